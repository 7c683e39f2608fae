import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CheckpointStore } from '../../src/artifacts/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const tensor = (value: number) => [['x', { shape: [1], data: Float32Array.of(value) }]] as const;

test('the newest whole checkpoint is found, older ones are forgotten', async (t) => {
  const folder = temporaryFolder(t);
  const store = new CheckpointStore<{ note: string }>(folder);
  t.is(await store.latest(), undefined);
  for (const step of [5, 100, 1000]) await store.save(step, { note: `at ${step}` }, tensor(step));
  t.deepEqual(readdirSync(folder), ['step-00000100', 'step-00001000']);
  const latest = await store.latest();
  t.is(latest?.step, 1000);
  t.deepEqual(latest?.state, { note: 'at 1000' });
  t.deepEqual(latest?.tensors.get('x')?.data, Float32Array.of(1000));
});

test('a checkpoint that was cut short does not count', async (t) => {
  const folder = temporaryFolder(t);
  const store = new CheckpointStore<object>(folder);
  await store.save(1, {}, tensor(1));
  mkdirSync(join(folder, 'step-00000002.partial'));
  writeFileSync(join(folder, 'step-00000002.partial', 'state.json'), '{');
  t.is((await store.latest())?.step, 1);
  await store.save(2, {}, tensor(2));
  t.is((await store.latest())?.step, 2);
});
