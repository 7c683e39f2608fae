import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/artifacts/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const tensors: [string, StoredTensor][] = [
  ['a.weight', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 5) }],
  ['b', { shape: [], data: Float32Array.of(7) }],
  ['ids', { shape: [2], data: Int32Array.of(-1, 2 ** 30) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
];

test('what is written is read again', async (t) => {
  const file = join(temporaryFolder(t), 'x.safetensors');
  await writeSafetensors(file, tensors);
  const read = await readSafetensors(file);
  for (const [name, { shape, data }] of tensors) {
    t.deepEqual(read.get(name)?.shape, shape);
    t.deepEqual(read.get(name)?.data, data);
  }
  t.is(read.size, tensors.length);
});

test('broken files are errors that say what is wrong', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'x.safetensors');
  await writeSafetensors(file, tensors);
  const whole = readFileSync(file);
  const refuse = async (bytes: Buffer, pattern: RegExp) => {
    writeFileSync(file, bytes);
    const error = await t.throwsAsync(readSafetensors(file));
    t.is((error as { code?: string }).code, 'CALM_ARTIFACT_BROKEN');
    t.regex(error?.message ?? '', pattern);
  };
  await refuse(whole.subarray(0, 5), /too short/);
  await refuse(whole.subarray(0, whole.length - 8), /does not fit/);
  const huge = Buffer.from(whole);
  huge.writeBigUInt64LE(2n ** 60n);
  await refuse(huge, /header claims/);
  const garbled = Buffer.from(whole);
  garbled.write('}', 8);
  await refuse(garbled, /not valid JSON/);
  const error = await t.throwsAsync(readSafetensors(join(folder, 'none.safetensors')));
  t.is((error as { code?: string }).code, 'CALM_ARTIFACT_MISSING');
});
