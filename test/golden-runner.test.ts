import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSafetensors, writeSafetensors } from 'calm-lm/artifacts';
import { loadEngine } from 'calm-lm/engine';
import { ROOT } from './helpers/cli.ts';
import { pythonFloat } from './helpers/golden/names.ts';
import { runGoldens } from './helpers/golden/run.ts';
import { temporaryFolder } from './helpers/temporary.ts';

test.serial('a case is found under any name, and a wrong value or gradient fails it', async (t) => {
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

test.serial('a kind that is not known is skipped by name', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'x/meta.json'), '{"seed": 1}');
  writeFileSync(join(folder, 'x/config.json'), '{"model_type": "another"}');
  const [report] = await runGoldens(folder, await loadEngine('cpu'));
  t.is(report.state, 'skipped');
  t.regex(report.reason ?? '', /no check knows this kind of case/);
});

test.serial('numbers in names are those that Python writes', (t) => {
  const written = {
    '1.0': 1,
    '0.5': 0.5,
    '1.5': 1.5,
    '0.0001': 1e-4,
    '1e-05': 1e-5,
    '1.5e-07': 1.5e-7,
    '123456789012345.0': 123456789012345,
    '1000000000000000.0': 1e15,
    '1e+16': 1e16,
    '1e+100': 1e100,
    '-2.0': -2,
    '0.0': 0,
    '-0.0': -0,
    inf: Number.POSITIVE_INFINITY,
    nan: Number.NaN,
  };
  t.deepEqual(Object.values(written).map(pythonFloat), Object.keys(written));
});

test.serial('a case with another exponent that is a whole number is read by its name', async (t) => {
  const folder = temporaryFolder(t);
  const directory = join(folder, 'case');
  cpSync(join(ROOT, 'test/golden/02_energy_head'), directory, { recursive: true });
  const meta = JSON.parse(readFileSync(join(directory, 'meta.json'), 'utf8'));
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
  writeFileSync(
    join(directory, 'meta.json'),
    JSON.stringify({ ...meta, extra_betas: [config.beta === 1 ? 2 : 1] }),
  );
  const [report] = await runGoldens(folder, await loadEngine('cpu'));
  t.regex(report.reason ?? '', /loss_beta[12]\.0/);
});
