import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSafetensors, writeSafetensors } from 'calm-lm/artifacts';
import { loadEngine } from 'calm-lm/engine';
import { ROOT } from './helpers/cli.ts';
import { runGoldens } from './helpers/golden/run.ts';
import { temporaryFolder } from './helpers/temporary.ts';

test('a case is found under any name, and a wrong value or gradient fails it', async (t) => {
  const folder = temporaryFolder(t);
  const engine = await loadEngine('cpu');
  cpSync(join(ROOT, 'test/golden/02_energy_head'), join(folder, 'deep/anything'), { recursive: true });
  t.deepEqual(
    (await runGoldens(folder, engine)).map(({ state }) => state),
    ['passed'],
  );
  for (const file of ['expected', 'grads']) {
    const path = join(folder, 'deep/anything', `${file}.safetensors`);
    const whole = readFileSync(path);
    const tensors = await readSafetensors(path);
    const [name, { data }] = [...tensors][tensors.has('loss') ? [...tensors.keys()].indexOf('loss') : 0];
    data[0] *= 1.001;
    await writeSafetensors(path, tensors);
    const [report] = await runGoldens(folder, engine);
    t.is(report.state, 'failed');
    t.regex(report.reason ?? '', new RegExp(name.replaceAll('.', '\\.')));
    writeFileSync(path, whole);
  }
});

test('a kind that is not known is skipped by name', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'x/meta.json'), '{"seed": 1}');
  writeFileSync(join(folder, 'x/config.json'), '{"model_type": "another"}');
  const [report] = await runGoldens(folder, await loadEngine('cpu'));
  t.is(report.state, 'skipped');
  t.regex(report.reason ?? '', /no check knows this kind of case/);
});
