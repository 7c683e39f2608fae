/** Logs for others, and samples while a model is trained: they come beside the result and change nothing. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { recordPlaces } from '../../src/artifacts/event-file.ts';
import { calm, RunningCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const LOGGED = { logTo: ['tensorboard', 'csv'], sampleEvery: 10, samplePrompt: 'the ' };

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

function eventFile(folder: string): string {
  const [name, ...others] = readdirSync(folder);
  if (others.length) throw new Error(`more than one: ${others}`);
  return join(folder, name);
}

/** What a log has: kinds and steps, no times. */
const placesIn = (folder: string) =>
  recordPlaces(readFileSync(eventFile(folder))).map(({ kind, step }) => `${kind} ${step}`);

for (const model of ['calm', 'transformer'])
  test(`${model}: with logs and samples, weights and metrics are the same bits`, async (t) => {
    const own = model === 'calm' ? {} : { model, head: undefined, patchesPerSequence: undefined };
    const only = ['--until', 'train-lm'];
    const [plain, logged] = [temporaryFolder(t), temporaryFolder(t)];
    t.is((await calm(['run', writeTinyProject(plain, { 'train-lm': own }), ...only], plain)).code, 0);
    const config = writeTinyProject(logged, { 'train-lm': { ...own, ...LOGGED } });
    const run = await calm(['run', config, ...only], logged);
    t.is(run.code, 0, run.stderr);
    for (const file of ['model/model.safetensors', 'metrics.jsonl'])
      t.deepEqual(
        readFileSync(join(logged, 'runs/tiny/train-lm', file)),
        readFileSync(join(plain, 'runs/tiny/train-lm', file)),
        file,
      );
    const stage = join(logged, 'runs/tiny/train-lm');
    const samples = linesOf(join(stage, 'events.jsonl'));
    t.deepEqual(
      samples.map(({ step, event, prompt }) => [step, event, prompt]),
      [10, 20, 30].map((step) => [step, 'written', 'the ']),
    );
    t.true(samples.every(({ text }) => text.length > 0));
    t.regex(run.stderr, /^ {2}train-lm, step 10: the.*$/m);
    const steps = linesOf(join(stage, 'metrics.jsonl')).map(({ step }) => step);
    t.deepEqual(
      placesIn(join(stage, 'tensorboard')).filter((place) => place.startsWith('scalars')),
      steps.map((step) => `scalars ${step}`),
    );
    const rows = readFileSync(join(stage, 'metrics.csv'), 'utf8').trim().split('\n').slice(1);
    t.deepEqual(
      rows.map((row) => Number(row.split(',')[0])),
      [...new Set(steps)],
    );
    // How it is logged is no part of what comes of it.
    const again = await calm(['plan', writeTinyProject(logged, { 'train-lm': own }), '--json'], logged);
    const states = JSON.parse(again.stdout).stages as { name: string; state: string }[];
    t.is(states.find(({ name }) => name === 'train-lm')?.state, 'up to date');
  });

test('a killed training resumes its logs: no step twice, none missing', async (t) => {
  const slow = { ...LOGGED, steps: 90 };
  const [straight, killed] = [temporaryFolder(t), temporaryFolder(t)];
  const args = (folder: string) => [
    'run',
    writeTinyProject(folder, { 'train-lm': slow }),
    '--until',
    'train-lm',
  ];
  t.is((await calm(args(straight), straight)).code, 0);
  const cli = new RunningCli(args(killed), killed);
  const metrics = join(killed, 'runs/tiny/.work/train-lm/metrics.jsonl');
  const isFar = () => existsSync(metrics) && readFileSync(metrics, 'utf8').split('\n').length > 8;
  t.is((await cli.signalWhen(isFar, 'SIGKILL')).signal, 'SIGKILL');
  const resumed = await calm(args(killed), killed);
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /from the checkpoint at step/);
  const stage = (folder: string) => join(folder, 'runs/tiny/train-lm');
  for (const file of ['metrics.csv', 'metrics.jsonl', 'events.jsonl'])
    t.is(
      readFileSync(join(stage(killed), file), 'utf8'),
      readFileSync(join(stage(straight), file), 'utf8'),
      file,
    );
  t.deepEqual(placesIn(join(stage(killed), 'tensorboard')), placesIn(join(stage(straight), 'tensorboard')));
});

test('calm export --metrics writes the logs of a run that is there', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-lm': { sampleEvery: 10 } });
  t.is((await calm(['run', config, '--until', 'train-lm'], folder)).code, 0);
  const events = await calm(['export', 'runs/tiny', '--metrics', 'tensorboard', '--json'], folder);
  t.is(events.code, 0, events.stderr);
  t.deepEqual(JSON.parse(events.stdout).stages, ['train-autoencoder', 'train-lm']);
  t.true(JSON.parse(events.stdout).folder.endsWith('/tiny-tensorboard'));
  const places = placesIn(join(folder, 'tiny-tensorboard/train-lm'));
  t.is(places.filter((place) => place === 'text 10').length, 1);
  const steps = linesOf(join(folder, 'runs/tiny/train-lm/metrics.jsonl')).map(
    ({ step }) => `scalars ${step}`,
  );
  t.deepEqual(
    places.filter((place) => place.startsWith('scalars')),
    steps,
  );
  t.is((await calm(['export', config, '--metrics', 'csv', '--to', 'out/curves'], folder)).code, 0);
  t.deepEqual(readdirSync(join(folder, 'out/curves')).sort(), ['train-autoencoder.csv', 'train-lm.csv']);
  t.regex(readFileSync(join(folder, 'out/curves/train-lm.csv'), 'utf8'), /^step,loss,.*validationLoss/);
  const twice = await calm(['export', 'runs/tiny', '--metrics', 'tensorboard', '--json'], folder);
  t.is(JSON.parse(twice.stdout).error.code, 'CALM_EXPORT_EXISTS');
  t.is((await calm(['run', config, '--until', 'tokenize', '--set', 'name=bare'], folder)).code, 0);
  const none = await calm(['export', 'runs/bare', '--metrics', 'csv', '--json'], folder);
  t.is(JSON.parse(none.stdout).error.code, 'CALM_EXPORT_NOTHING');
  t.false(existsSync(join(folder, 'bare-csv')));
  t.not((await calm(['export', 'runs/tiny', '--metrics', 'csv', '--checkpoint', 'latest'], folder)).code, 0);
});
