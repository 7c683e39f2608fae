import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  latentShards,
  openWeights,
  SafetensorsFile,
  tokenShards,
  writeSafetensors,
} from '../../src/artifacts/index.ts';
import { ReadOnlyFiles } from '../../src/artifacts/read-only-files.ts';
import { ROOT } from '../helpers/cli.ts';
import { CAN_LIST_OPEN_FILES, openFilesBelow } from '../helpers/open-files.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const [SHARDS, TOKENS_A_SHARD] = [50, 3];

/** Tests of this file run one after the other, so what is open is theirs. */
const onProc = CAN_LIST_OPEN_FILES ? test.serial : test.serial.skip;

const folderOf = (t: ExecutionContext) => realpathSync(temporaryFolder(t));

/** Token shards of two splits, as a corpus of many shards has them. */
function writeManyShards(folder: string): void {
  const names = (split: string) =>
    Array.from({ length: SHARDS }, (_, i) => `${split}-${String(i).padStart(5, '0')}.bin`);
  const split = (name: string) => {
    for (const [i, file] of names(name).entries())
      writeFileSync(join(folder, file), new Uint16Array(TOKENS_A_SHARD).fill(i));
    const tokens = SHARDS * TOKENS_A_SHARD;
    writeFileSync(join(folder, `${name}.documents.bin`), Uint32Array.of(tokens));
    const shards = names(name).map((file) => ({ file, tokens: TOKENS_A_SHARD }));
    return { tokens, documents: 1, textBytes: tokens, shards };
  };
  const splits = { train: split('train'), validation: split('validation') };
  const index = { formatVersion: 1, vocabSize: 300, endOfTextId: 298, padId: 299, dtype: 'u16', splits };
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
}

onProc(
  'a reader of many shards holds few files, gives what is in them, and none when disposed of',
  async (t) => {
    const folder = folderOf(t);
    writeManyShards(folder);
    const expected = Array.from({ length: SHARDS * TOKENS_A_SHARD }, (_, i) =>
      Math.floor(i / TOKENS_A_SHARD),
    );
    // As a sweep does: one reader after the other over the same shards.
    for (let cell = 0; cell < 20; cell++) {
      const shards = await tokenShards.open(folder);
      t.is(openFilesBelow(folder).length, 0, 'nothing is open before the first read');
      const streams = [shards.split('train'), shards.split('validation')];
      for (const stream of streams) {
        t.deepEqual([...stream.read(0, stream.length)], expected);
        t.deepEqual([...stream.read(4, 4)], expected.slice(4, 8));
        t.is(stream.documentLengths()[0], stream.length);
      }
      const held = openFilesBelow(folder).length;
      t.true(held > 0 && held <= 32, `${held} open`);
      shards[Symbol.dispose]();
      shards[Symbol.dispose]();
      t.deepEqual(openFilesBelow(folder), []);
      t.deepEqual([...streams[0].read(0, 3)], expected.slice(0, 3), 'a batch drawn ahead can still be read');
      t.deepEqual(openFilesBelow(folder), []);
    }
  },
);

onProc('a file that is read again after it was closed for others is checked again', (t) => {
  const folder = folderOf(t);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), `${name}123`);
  const files = new ReadOnlyFiles(folder, 2);
  for (const name of ['a', 'b', 'a', 'c']) t.is(String.fromCharCode(files.read(name, 0, 1, 4)[0]), name);
  t.deepEqual(openFilesBelow(folder).sort(), [join(folder, 'a'), join(folder, 'c')], 'the least used goes');
  writeFileSync(join(folder, 'b'), 'longer');
  t.throws(() => files.read('b', 0, 1, 4), { message: /6 bytes instead of 4/ });
  t.is(openFilesBelow(folder).length, 2, 'one that is refused is closed');
  t.throws(() => files.read('d', 0, 1), { code: 'CALM_ARTIFACT_MISSING' });
  files.close();
  t.deepEqual(openFilesBelow(folder), []);
});

onProc('latent shards: reader and writer', async (t) => {
  const folder = folderOf(t);
  const header = { patchSize: 2, latentSize: 1, dtype: 'f32' } as const;
  const latents = { mean: Float32Array.of(1, 2), logStd: Float32Array.of(3, 4) };
  const abandoned = await latentShards.create(folder);
  abandoned.begin(header);
  abandoned.append('train', latents);
  const saved = abandoned.save();
  abandoned.append('train', latents);
  t.is(openFilesBelow(folder).length, 1);
  abandoned[Symbol.dispose]();
  abandoned[Symbol.dispose]();
  t.deepEqual(openFilesBelow(folder), []);
  t.throws(() => abandoned.append('train', new Large()), { message: /is closed/ });
  const writer = await latentShards.create(folder);
  t.throws(() => writer.begin(header, { train: 4, validation: 0 }), { message: /once had/ });
  writer.begin(header, saved);
  await writer.finish();
  writer[Symbol.dispose]();
  t.deepEqual(openFilesBelow(folder), []);
  const reader = await latentShards.open(folder);
  t.deepEqual([...reader.read('train', 0, 2).mean], [1, 2]);
  reader[Symbol.dispose]();
  t.deepEqual(openFilesBelow(folder), []);
});

/** More than a file holds back, so that appending writes. */
class Large {
  readonly mean = new Float32Array(2 ** 19);
  readonly logStd = new Float32Array(2 ** 19);
}

onProc(
  'a writer of tokens that is left in the middle, or that starts over, leaves nothing open',
  async (t) => {
    const folder = folderOf(t);
    const vocabulary = { vocabSize: 300, endOfTextId: 298, padId: 299 };
    const writer = await tokenShards.create(folder);
    await writer.begin(vocabulary, {});
    writer.append('train', [1, 2], 2);
    writer.endDocument('train');
    const saved = writer.save();
    t.true(openFilesBelow(folder).length >= 4);
    writer[Symbol.dispose]();
    t.deepEqual(openFilesBelow(folder), []);
    const { splits } = saved;
    const tooMuch = { ...saved, splits: { ...splits, validation: { ...splits.train, documents: 9 } } };
    await t.throwsAsync(writer.begin(vocabulary, {}, tooMuch));
    await writer.begin(vocabulary, {}, saved);
    await writer.finish();
    t.deepEqual(openFilesBelow(folder), []);
    writer[Symbol.dispose]();
    t.deepEqual([...(await tokenShards.open(folder)).split('train').read(0, 3)], [1, 2, 298]);
  },
);

onProc(
  'weights in many files: few are open, none after closing, and none where one of them is broken',
  async (t) => {
    const folder = folderOf(t);
    const map: Record<string, string> = {};
    for (let i = 0; i < SHARDS; i++) {
      map[`t${i}`] = `part-${i}.safetensors`;
      await writeSafetensors(join(folder, map[`t${i}`]), [
        [`t${i}`, { shape: [1], data: Float32Array.of(i) }],
      ]);
    }
    const index = () =>
      writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    index();
    const weights = await openWeights(folder);
    for (const [i, name] of Object.keys(map).entries())
      t.deepEqual(weights.get(name)?.data, Float32Array.of(i));
    t.true(openFilesBelow(folder).length <= 32);
    weights.close();
    weights.close();
    weights[Symbol.dispose]();
    t.deepEqual(openFilesBelow(folder), []);
    map.last = 'broken.safetensors';
    index();
    writeFileSync(join(folder, 'broken.safetensors'), 'no tensors in here');
    await t.throwsAsync(openWeights(folder), { message: /broken\.safetensors/ });
    t.deepEqual(openFilesBelow(folder), []);
  },
);

onProc('a safetensors file and a pickle are closed, also where they are refused', async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'x.safetensors'), '');
  t.throws(() => new SafetensorsFile(join(folder, 'x.safetensors')), { message: /too short/ });
  for (const name of ['plain.bin', 'call.bin', 'view.bin']) {
    const inner = join(folder, name);
    mkdirSync(inner);
    copyFileSync(join(ROOT, 'test/fixtures/pytorch', name), join(inner, 'pytorch_model.bin'));
    const opened = await openWeights(inner).catch(() => undefined);
    t.is(opened !== undefined, name === 'plain.bin');
    opened?.get('a.weight');
    opened?.close();
  }
  // The zip library closes a few turns later.
  for (let turn = 0; turn < 10_000 && openFilesBelow(folder).length > 0; turn++)
    await new Promise(setImmediate);
  t.deepEqual(openFilesBelow(folder), []);
});
