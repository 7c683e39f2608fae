import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fromHalf, fromHalves, toHalf, toHalves } from '../../src/artifacts/half-precision.ts';
import { asStored, latentShards, recordBytes, tokenShards } from '../../src/artifacts/index.ts';
import { RandomStream } from '../../src/random.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

async function writeTokens(folder: string, vocabSize: number, documents: number[][]) {
  const writer = await tokenShards.create(folder);
  await writer.begin({ vocabSize, endOfTextId: vocabSize - 2, padId: vocabSize - 1 }, {});
  documents.forEach((ids, i) => {
    const split = i % 3 === 2 ? 'validation' : 'train';
    writer.append(split, ids.slice(0, 2), 2);
    writer.append(split, ids.slice(2), ids.length - 2);
    writer.endDocument(split);
  });
  await writer.finish();
}

for (const vocabSize of [300, 100_000]) {
  test(`token shards keep ids, documents and splits (vocabulary ${vocabSize})`, async (t) => {
    const folder = temporaryFolder(t);
    const top = vocabSize - 3;
    await writeTokens(folder, vocabSize, [[1, 2, 3], [top, 5], [7, 8, 9, 10], [0]]);
    const shards = await tokenShards.open(folder);
    t.is(shards.index.dtype, vocabSize > 65536 ? 'u32' : 'u16');
    const train = shards.split('train');
    const end = vocabSize - 2;
    t.deepEqual([...train.read(0, train.length)], [1, 2, 3, end, top, 5, end, 0, end]);
    t.deepEqual([...train.read(3, 3)], [end, top, 5]);
    t.deepEqual([...train.documentLengths()], [4, 3, 2]);
    t.is(shards.split('validation').length, 5);
    train.close();
  });
}

test('a shard of the wrong size and an index of another version are refused', async (t) => {
  const folder = temporaryFolder(t);
  await writeTokens(folder, 300, [[1, 2, 3]]);
  appendFileSync(join(folder, 'train-00000.bin'), 'x');
  const broken = await t.throwsAsync(tokenShards.open(folder));
  t.regex(broken?.message ?? '', /bytes instead of/);
  const index = join(folder, 'index.json');
  writeFileSync(index, readFileSync(index, 'utf8').replace('"formatVersion": 1', '"formatVersion": 99'));
  const error = await t.throwsAsync(tokenShards.open(folder));
  t.is((error as { code?: string }).code, 'CALM_ARTIFACT_VERSION');
  t.regex(error?.message ?? '', /index\.json.*99.*reads version 1/);
});

for (const dtype of ['f32', 'f16'] as const) {
  test(`latent shards give back what was appended (${dtype})`, async (t) => {
    const folder = temporaryFolder(t);
    const writer = await latentShards.create(folder);
    writer.begin({ patchSize: 2, latentSize: 3, dtype });
    const draw = (label: string, patches: number) => new RandomStream(1, label).normals(patches * 3);
    const [first, second] = [
      { mean: draw('a', 4), logStd: draw('b', 4) },
      { mean: draw('c', 2), logStd: draw('d', 2) },
    ];
    writer.append('train', first);
    writer.append('train', second);
    writer.append('validation', second);
    await writer.finish();
    const shards = await latentShards.open(folder);
    const exact = (values: Float32Array) =>
      dtype === 'f32' ? values : values.map((value) => fromHalf(toHalf(value)));
    t.is(shards.numPatches('train'), 6);
    const read = shards.read('train', 3, 2);
    t.deepEqual(read.mean, Float32Array.of(...exact(first.mean).slice(9), ...exact(second.mean).slice(0, 3)));
    t.deepEqual(
      read.logStd,
      Float32Array.of(...exact(first.logStd).slice(9), ...exact(second.logStd).slice(0, 3)),
    );
    shards.close();
  });
}

test('latents in bytes come back within half a step of their patch, as asStored says', async (t) => {
  const folder = temporaryFolder(t);
  const [patches, latentSize] = [50, 12];
  const draw = (label: string) => new RandomStream(2, label).normals(patches * latentSize);
  const given = { mean: draw('mean'), logStd: draw('logStd').map((value) => value - 2) };
  // A patch of zeros, and one whose log standard deviations are all the same.
  given.mean.fill(0, 0, latentSize);
  given.logStd.fill(-1.5, latentSize, 2 * latentSize);
  const header = { patchSize: 2, latentSize, dtype: 'int8' as const };
  const writer = await latentShards.create(folder);
  writer.begin(header);
  writer.append('train', given);
  await writer.finish();
  t.is(statSync(join(folder, 'train-00000.bin')).size, patches * recordBytes(header));
  t.is(recordBytes(header), 6 + 2 * latentSize);
  const shards = await latentShards.open(folder);
  const stored = asStored(given, header);
  t.deepEqual(shards.read('train', 0, patches), stored);
  t.deepEqual(shards.read('train', 7, 2).mean, stored.mean.slice(7 * latentSize, 9 * latentSize));
  for (let patch = 0; patch < patches; patch++) {
    const row = (values: Float32Array) => [...values.subarray(patch * latentSize, (patch + 1) * latentSize)];
    const [means, logs] = [row(given.mean), row(given.logStd)];
    const steps = {
      mean: Math.max(...means.map(Math.abs)) / 127,
      logStd: (Math.max(...logs) - Math.min(...logs)) / 255,
    };
    // A half is exact to 2⁻¹¹, at the ends of the range too.
    const off = (one: number[], other: number[]) =>
      Math.max(...one.map((value, i) => Math.abs(value - other[i])));
    t.true(
      off(means, row(stored.mean)) <= 0.5 * steps.mean + 2 ** -10 * 127 * steps.mean,
      `mean of ${patch}`,
    );
    t.true(off(logs, row(stored.logStd)) <= 0.5 * steps.logStd + 2 ** -10 * 6, `logStd of ${patch}`);
  }
  shards.close();
});

test('half precision rounds to nearest, ties to even, at every scale', (t) => {
  // Every half goes there and back.
  for (let half = 0; half < 0x7c00; half++) t.is(toHalf(fromHalf(half)), half);
  t.is(fromHalf(toHalf(-2.5)), -2.5);
  t.is(fromHalf(toHalf(1 + 2 ** -11)), 1);
  t.is(fromHalf(toHalf(1 + 3 * 2 ** -11)), 1 + 2 ** -9);
  t.is(toHalf(65520), 0x7c00);
  t.is(toHalf(65519), 0x7bff);
  t.true(Number.isNaN(fromHalf(toHalf(Number.NaN))));
  const edges = Float32Array.of(
    0,
    -0,
    1e-8,
    -3e-6,
    65519,
    65520,
    -1e30,
    Number.POSITIVE_INFINITY,
    2 ** -24,
    6.1e-5,
  );
  t.deepEqual([...toHalves(edges)], [...edges].map(toHalf));
  t.deepEqual([...fromHalves(toHalves(edges))], [...edges].map(toHalf).map(fromHalf));
  for (const value of new RandomStream(3, 'half').normals(1000))
    t.true(Math.abs(fromHalf(toHalf(value)) - value) <= Math.abs(value) * 2 ** -11 + 2 ** -25);
});
