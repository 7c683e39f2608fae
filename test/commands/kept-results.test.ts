/** Results of configurations that come back, models that are trained on, and saved steps that are read. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { RunningCli } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const short = { steps: 12, warmupSteps: 2, evaluateEvery: 6, checkpointEvery: 5 };
const SHORT = { 'train-autoencoder': short, 'train-lm': short };

interface Document {
  readonly stages: { readonly name: string; readonly state: string; readonly reasons?: string[] }[];
  readonly garbage: {
    readonly path: string;
    readonly kind: string;
    readonly why: string;
    readonly bytes: number;
  }[];
  readonly error: { readonly code: string; readonly message: string };
}

/** A project, and its commands: each must end with code 0 unless another is named. */
function project(t: ExecutionContext, changes: Parameters<typeof writeTinyProject>[1] = SHORT) {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, changes, { engine: 'onnx' });
  const json = async (args: string[], expected = 0): Promise<Document> => {
    const { code, stdout, stderr } = await calm([...args, '--json'], folder);
    t.is(code, expected, `${args.join(' ')}\n${stdout}${stderr}`);
    return JSON.parse(stdout);
  };
  const states = async (...args: string[]) => (await json(args)).stages.map(({ state }) => state);
  return { folder, config, run: join(folder, 'runs/tiny'), json, states };
}

const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

/** Everything in a run but what stands aside. */
function inPlace(run: string): Map<string, string> {
  return new Map([...contentsOf(run)].filter(([path]) => !path.startsWith('.')));
}

test(
  'a key that is changed and changed back: the same bytes at once, and both results in ' + 'between',
  async (t) => {
    t.timeout(180_000);
    const { config, run, json, states } = project(t);
    const CHANGE = ['--set', 'train-lm.learningRate=0.001'];
    await json(['run', config]);
    const first = inPlace(run);
    t.deepEqual(await states('run', config, ...CHANGE), [
      ...Array(3).fill('up to date'),
      ...Array(3).fill('done'),
    ]);
    const second = inPlace(run);
    t.notDeepEqual(second, first);

    const { stages } = await json(['plan', config]);
    t.deepEqual(
      stages.map(({ state }) => state),
      [...Array(3).fill('up to date'), ...Array(3).fill('kept')],
    );
    t.deepEqual(stages[3].reasons, ['learningRate 0.001 → 0.005', 'kept from before']);
    t.deepEqual(await states('run', config), Array(6).fill('up to date'));
    t.deepEqual(inPlace(run), first);
    t.deepEqual(await states('run', config, ...CHANGE), Array(6).fill('up to date'));
    t.deepEqual(inPlace(run), second, 'there and back any number of times');
    t.deepEqual(await states('run', config), Array(6).fill('up to date'));

    const { garbage } = await json(['gc', config]);
    const kept = garbage.filter(({ kind }) => kind === 'kept');
    t.deepEqual(
      kept.map(({ why }) => why),
      [
        'a result of evaluate with other inputs',
        'a result of sample with other inputs',
        'a result of train-lm with learningRate 0.001',
      ],
    );
    for (const { bytes } of kept) t.true(bytes > 0);
    await json(['gc', config, '--free']);
    t.deepEqual(readdirSync(join(run, '.kept')), []);
    t.deepEqual(inPlace(run), first);
    const again = (await json(['plan', config, ...CHANGE])).stages.map(({ state }) => state);
    t.deepEqual(again, [...Array(3).fill('up to date'), ...Array(3).fill('out of date')]);
  },
);

test('a kept result that is damaged is made again and not taken up', async (t) => {
  const { config, run, json } = project(t);
  const until = ['--until', 'train-autoencoder'];
  await json(['run', config, ...until]);
  const first = inPlace(run);
  await json(['run', config, ...until, '--set', 'train-autoencoder.learningRate=0.001']);
  const [aside] = readdirSync(join(run, '.kept'));
  rmSync(join(run, '.kept', aside, 'autoencoder/model.safetensors'));
  const { stages } = await json(['plan', config, ...until]);
  t.is(stages[1].state, 'out of date');
  await json(['run', config, ...until]);
  t.deepEqual(inPlace(run), first);
});

for (const stage of ['train-autoencoder', 'train-lm'] as const) {
  test(`${stage} of more steps resumes from what is there, with the bits of a whole run`, async (t) => {
    t.timeout(180_000);
    const long = { ...short, steps: 20, schedule: 'constant' };
    const of = (steps: number) => ({ ...SHORT, [stage]: { ...long, steps } });
    const { config, run, json } = project(t, of(12));
    await json(['run', config, '--until', stage]);
    const { stages } = await json(['plan', config, '--set', `${stage}.steps=20`, '--until', stage]);
    const planned = stages.find(({ name }) => name === stage);
    t.deepEqual(planned?.reasons, ['steps 12 → 20', 'continues from the 12 steps that are there']);
    const went = await calm(
      ['run', config, '--set', `${stage}.steps=20`, '--until', stage],
      join(run, '../..'),
    );
    t.is(went.code, 0, went.stderr);
    t.regex(went.stderr, /resuming from the checkpoint at step 12/);
    const whole = project(t, of(20));
    await whole.json(['run', whole.config, '--until', stage]);
    const results = (folder: string) =>
      new Map([...inPlace(folder)].filter(([path]) => !path.includes('/checkpoints/')));
    t.deepEqual(results(run), results(whole.run));
    t.is(
      lines(join(run, stage, 'metrics.jsonl')).length,
      lines(join(whole.run, stage, 'metrics.jsonl')).length,
    );
  });
}

test(
  'where the learning rate depends on the number of steps, the plan says why it ' + 'starts anew',
  async (t) => {
    const { config, json, folder } = project(t, { 'train-autoencoder': { ...short, schedule: 'cosine' } });
    await json(['run', config, '--until', 'train-autoencoder']);
    const more = ['--set', 'train-autoencoder.steps=20', '--until', 'train-autoencoder'];
    const { stages } = await json(['plan', config, ...more]);
    t.is(stages[1].state, 'out of date');
    t.regex(
      stages[1].reasons?.[1] ?? '',
      /^starts anew instead of from the 12 steps that are there: .*cosine/,
    );
    const { stderr } = await calm(['run', config, ...more], folder);
    t.notRegex(stderr, /resuming from the checkpoint/);
  },
);

test('saved steps of a finished model are read by their number, the newest and the best', async (t) => {
  const best = { bestMetric: 'validationLoss' };
  const { config, run, json } = project(t, { ...SHORT, 'train-lm': { ...short, ...best } });
  await json(['run', config, '--until', 'train-lm']);
  const saved = readdirSync(join(run, 'train-lm/checkpoints')).filter((name) => name.startsWith('step-'));
  t.true(saved.length >= 2, saved.join(' '));
  const exported = async (...more: string[]) => {
    const to = join(run, '../..', `out${more.join('')}`);
    await json(['export', 'runs/tiny', '--to', to, ...more]);
    return readFileSync(join(to, 'model.safetensors')).toString('base64');
  };
  const [result, newest] = [await exported(), await exported('--checkpoint', 'latest')];
  t.is(await exported('--checkpoint', '12'), newest);
  t.is(await exported('--checkpoint', 'best'), result, 'the result is the best step');
  t.not(await exported('--checkpoint', '5'), newest);
  const none = await json(['sample', 'runs/tiny', '--checkpoint', '7'], 1);
  t.is(none.error.code, 'CALM_CHECKPOINT');
  t.regex(none.error.message, /7/);
  const wrong = await json(['sample', 'runs/tiny', '--checkpoint', 'newest'], 1);
  t.regex(wrong.error.code, /^CALM_/);
  const evaluated = await json(['eval', 'brierlm', 'runs/tiny', '--checkpoint', '5']);
  t.is((evaluated as unknown as { brier: number[] }).brier.length, 4);
});

test('a model is sampled from while it is trained, and after that was stopped', async (t) => {
  t.timeout(180_000);
  const long = { ...short, steps: 1_000_000, evaluateEvery: 1_000_000, checkpointEvery: 20 };
  const { folder, config, run, json } = project(t, { ...SHORT, 'train-lm': long });
  await json(['run', config, '--until', 'encode-corpus']);
  const running = new RunningCli(['run', config, '--until', 'train-lm'], folder);
  t.teardown(() => running.process.kill('SIGKILL'));
  const checkpoints = join(run, '.work/train-lm/checkpoints');
  const hasSaved = () =>
    existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^step-\d+$/.test(name));
  for (let i = 0; i < 1200 && !hasSaved(); i++) await sleep(50);
  const early = await json(['sample', 'runs/tiny'], 1);
  t.regex(`${early.error.message} ${JSON.stringify(early.error)}`, /--checkpoint latest/);
  const during = await json(['sample', 'runs/tiny', '--checkpoint', 'latest']);
  t.is((during as unknown as { samples: object[] }).samples.length, 2);
  t.is(running.process.exitCode, null, 'and it goes on');
  running.process.kill('SIGTERM');
  t.is((await running.result).code, 128 + 15);
  const after = await json(['sample', 'runs/tiny', '--checkpoint', 'latest']);
  t.is((after as unknown as { samples: object[] }).samples.length, 2);
});

test('a run is removed only where that was confirmed', async (t) => {
  const { folder, config, run, json } = project(t);
  await json(['run', config, '--until', 'tokenize']);
  const before = contentsOf(run);
  const refused = await json(['rm', 'runs/tiny'], 1);
  t.is(refused.error.code, 'CALM_NOT_CONFIRMED');
  t.deepEqual(contentsOf(run), before);
  const listed = await json(['ls']);
  t.like(listed, { runs: [{ name: 'tiny', state: 'unfinished', numDone: 1, numStages: 6 }] });
  await json(['rm', 'runs/tiny', '--yes']);
  t.false(existsSync(run));
  t.deepEqual(((await json(['ls'])) as unknown as { runs: object[] }).runs, []);
  t.is((await json(['rm', 'runs/tiny', '--yes'], 1)).error.code, 'CALM_RUN_MISSING');

  // What is no run is not removed, though it may look like one at first sight.
  mkdirSync(join(folder, 'page/public'), { recursive: true });
  writeFileSync(join(folder, 'page/public/manifest.json'), '{ "name": "a web page", "start_url": "." }');
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other/run.json'), '{ "runs": 5 }');
  mkdirSync(join(folder, 'damaged/a'), { recursive: true });
  writeFileSync(join(folder, 'damaged/a/manifest.json'), '{ "fingerprint": "0123');
  for (const [name, code] of [
    ['.', 'CALM_RUN_NONE'],
    ['texts', 'CALM_RUN_NONE'],
    ['page', 'CALM_RUN_NONE'],
    ['other', 'CALM_ARTIFACT_BROKEN'],
    ['damaged', 'CALM_RUN_NONE'],
  ]) {
    t.is((await json(['rm', name, '--yes'], 1)).error.code, code, name);
    t.true(existsSync(join(folder, name)));
  }
});
