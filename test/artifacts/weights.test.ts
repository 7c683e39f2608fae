import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { linkWeights, openWeights, writeSafetensors } from '../../src/artifacts/index.ts';
import type { CalmError } from '../../src/errors.ts';
import { ROOT } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const FIXTURES = join(ROOT, 'test/fixtures/pytorch');

for (const name of ['plain.bin', 'parameters.bin']) {
  test(`pytorch_model.bin as torch.save writes it: ${name}`, async (t) => {
    const folder = temporaryFolder(t);
    copyFileSync(join(FIXTURES, name), join(folder, 'pytorch_model.bin'));
    const weights = await openWeights(folder);
    t.deepEqual([...weights.keys()].sort(), ['a.weight', 'brain', 'half', 'ids', 'tied'].sort());
    t.deepEqual(weights.shapeOf('a.weight'), [2, 3]);
    t.deepEqual([...(weights.get('a.weight')?.data ?? [])], [0, 1, 2, 3, 4, 5]);
    t.deepEqual(weights.get('tied'), weights.get('a.weight'));
    t.deepEqual([...(weights.get('brain')?.data ?? [])], [1.5, -2]);
    t.deepEqual([...(weights.get('half')?.data ?? [])], [0.5, 65504]);
    t.deepEqual([...(weights.get('ids')?.data ?? [])], [1, 2, 3]);
    t.is(weights.get('none'), undefined);
    weights.close();
  });
}

test(
  'a pickle that would call something is refused by name, and nothing is run; a view is ' + 'refused',
  async (t) => {
    const folder = temporaryFolder(t);
    const errorOf = async (name: string) => {
      copyFileSync(join(FIXTURES, name), join(folder, 'pytorch_model.bin'));
      return (await t.throwsAsync(openWeights(folder))) as CalmError;
    };
    const call = await errorOf('call.bin');
    t.is(call.code, 'CALM_PICKLE_REFUSED');
    t.regex(call.message, /"posix\.system".*Nothing of it was run/);
    t.false(existsSync(join(folder, 'calm-was-here')) || existsSync('calm-was-here'));
    t.regex((await errorOf('view.bin')).message, /view with gaps/);
  },
);

test('files that are cut short or changed are errors, whatever byte it is', async (t) => {
  const folder = temporaryFolder(t);
  const whole = readFileSync(join(FIXTURES, 'plain.bin'));
  const open = async (bytes: Buffer) => {
    writeFileSync(join(folder, 'pytorch_model.bin'), bytes);
    try {
      const weights = await openWeights(folder);
      for (const name of weights.keys()) weights.get(name);
      weights.close();
      return 'read';
    } catch (error) {
      return (error as CalmError).code ?? `not ours: ${(error as Error).stack}`;
    }
  };
  for (const length of [0, 10, 200, whole.length - 30])
    t.is(await open(whole.subarray(0, length)), 'CALM_ARTIFACT_BROKEN', `${length} bytes`);
  // One byte changed: read all the same (numbers, names), or refused; never anything else.
  for (let i = 0; i < 400; i++) {
    const changed = Buffer.from(whole);
    changed[(i * 7919) % whole.length] ^= 1 << (i % 8);
    const found = await open(changed);
    t.true(
      ['read', 'CALM_ARTIFACT_BROKEN', 'CALM_PICKLE_REFUSED'].includes(found),
      `byte ${(i * 7919) % whole.length}: ${found}`,
    );
  }
});

test('a zip whose directory points outside of it, however far, is refused', async (t) => {
  const folder = temporaryFolder(t);
  const whole = readFileSync(join(FIXTURES, 'plain.bin'));
  const endRecord = whole.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const directory = whole.indexOf('PK\x01\x02', undefined, 'latin1');
  const zip64 = whole.indexOf('PK\x06\x06', undefined, 'latin1');
  const changes: Record<string, (bytes: Buffer) => void> = {
    'place of an entry': (bytes) => bytes.writeUInt32LE(0xfffffff0, directory + 42),
    'place of the directory': (bytes) => bytes.writeBigUInt64LE(2n ** 60n, zip64 + 48),
    'place of the 64-bit record': (bytes) => bytes.writeBigUInt64LE(2n ** 60n, endRecord - 12),
    'a compressed entry': (bytes) => bytes.writeUInt16LE(8, directory + 10),
  };
  for (const [change, make] of Object.entries(changes)) {
    const bytes = Buffer.from(whole);
    make(bytes);
    writeFileSync(join(folder, 'pytorch_model.bin'), bytes);
    const error = (await t.throwsAsync(openWeights(folder), undefined, change)) as CalmError;
    t.is(error.code, 'CALM_ARTIFACT_BROKEN', `${change}: ${error.stack}`);
  }
  const other = join(folder, 'other');
  mkdirSync(join(other, 'pytorch_model.bin'), { recursive: true });
  t.is(((await t.throwsAsync(openWeights(other))) as CalmError).code, 'CALM_ARTIFACT_BROKEN', 'a folder');
});

test('shards by their index; a shard outside the folder is refused', async (t) => {
  const folder = temporaryFolder(t);
  await writeSafetensors(join(folder, 'model-1.safetensors'), [
    ['a', { shape: [2], data: Float32Array.of(1, 2) }],
  ]);
  await writeSafetensors(join(folder, 'model-2.safetensors'), [
    ['b', { shape: [], data: Float32Array.of(3) }],
  ]);
  const index = (map: object) =>
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  index({ a: 'model-1.safetensors', b: 'model-2.safetensors' });
  const weights = await openWeights(folder);
  t.deepEqual([weights.get('a')?.data.length, weights.get('b')?.data[0], weights.shapeOf('b')], [2, 3, []]);
  weights.close();
  index({ a: '../elsewhere.safetensors' });
  t.is(((await t.throwsAsync(openWeights(folder))) as CalmError).code, 'CALM_ARTIFACT_BROKEN');
  index({ a: 'model-3.safetensors' });
  t.is(((await t.throwsAsync(openWeights(folder))) as CalmError).code, 'CALM_ARTIFACT_MISSING');
  t.is(((await t.throwsAsync(openWeights(temporaryFolder(t)))) as CalmError).code, 'CALM_WEIGHTS_MISSING');
});

test('weights of several files are taken over with a pause before each', async (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)];
  const names = ['a', 'b', 'c'];
  for (const name of names)
    await writeSafetensors(join(from, `${name}.safetensors`), [
      [name, { shape: [1], data: Float32Array.of(1) }],
    ]);
  const map = Object.fromEntries(names.map((name) => [name, `${name}.safetensors`]));
  writeFileSync(join(from, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  let pauses = 0;
  const stopAtThird = async () => {
    if (++pauses === 3) throw new Error('stopped');
  };
  await t.throwsAsync(linkWeights(from, to, stopAtThird), { message: 'stopped' });
  t.deepEqual(
    ['model.safetensors.index.json', ...Object.values(map)].map((name) => existsSync(join(to, name))),
    [true, true, false, false],
  );
  await linkWeights(from, to);
  const weights = await openWeights(to);
  for (const name of names) t.true(weights.has(name));
  weights.close();
});
