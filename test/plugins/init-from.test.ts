/** Training that begins with the weights of a model that is there. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { readSafetensors } from '../../src/artifacts/index.ts';
import { RunningCli, calm as start } from '../helpers/cli.ts';
import { makeLibraryRuns } from '../helpers/library-runs.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { TINY_STAGES, tinyText } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);
const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
const AUTOENCODER = 'runs/quickstart/train-autoencoder/autoencoder';

test.before('runs to begin with, and another corpus', async (t) => {
  t.timeout(240_000);
  await makeLibraryRuns(folder);
  for (let i = 0; i < 5; i++) writeFileSync(join(folder, `other-${i}.txt`), tinyText(100 + i, 30));
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

interface Changes {
  readonly lm?: Record<string, unknown>;
  readonly tokenize?: Record<string, unknown>;
  readonly autoencoder?: Record<string, unknown>;
}

/** Writes a configuration that trains on the other corpus. */
function written(name: string, { lm = {}, tokenize = {}, autoencoder }: Changes): string {
  const stages = {
    tokenize: { ...TINY_STAGES.tokenize, corpus: 'other-*.txt', ...tokenize },
    ...(autoencoder ?? { 'import-autoencoder': { path: AUTOENCODER } }),
    'train-lm': { ...TINY_STAGES['train-lm'], steps: 6, warmupSteps: 0, logEvery: 1, ...lm },
  };
  writeFileSync(join(folder, `${name}.yaml`), stringify({ name, seed: 5, stages }));
  return `${name}.yaml`;
}

const weightsOf = (run: string) =>
  readSafetensors(join(folder, 'runs', run, 'train-lm/model/model.safetensors'));
const metricsOf = (run: string) =>
  readFileSync(join(folder, 'runs', run, 'train-lm/metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);

async function trained(name: string, changes: Changes) {
  const { code, stderr } = await calm(['run', written(name, changes)], folder);
  if (code !== 0) throw new Error(stderr);
  return { stderr, weights: await weightsOf(name), metrics: metricsOf(name) };
}

test('a fine-tuned model begins where the other one ended, on another corpus', async (t) => {
  const tuned = await trained('tuned', { lm: { initFrom: 'runs/quickstart', learningRate: 1e-4 } });
  const drawn = await trained('drawn', { lm: { learningRate: 1e-4 } });
  t.regex(tuned.stderr, /train-lm: begins with (\d+) of \1 tensors of runs\/quickstart\n/);
  t.true(tuned.metrics[0].loss < drawn.metrics[0].loss, `${tuned.metrics[0].loss} ${drawn.metrics[0].loss}`);
});

test('a saved step, a model folder and the folder of an export are beginnings too', async (t) => {
  const first = (lm: Record<string, unknown>, name: string) =>
    trained(name, { lm: { steps: 1, learningRate: 1e-9, ...lm } });
  const whole = await first({ initFrom: 'runs/quickstart/train-lm/model' }, 'from-folder');
  const step = await first({ initFrom: { from: 'runs/quickstart', checkpoint: 30 } }, 'from-step');
  t.not(whole.metrics[0].loss, step.metrics[0].loss);
  const exported = await calm(['export', 'runs/quickstart', '--to', 'exported'], folder);
  t.is(exported.code, 0, exported.stderr);
  const export_ = await first({ initFrom: 'exported' }, 'from-export');
  t.is(export_.metrics[0].loss, whole.metrics[0].loss);
  // Where it lies does not matter: what is done is not done again.
  const plan = await calm(
    [
      'plan',
      written('from-export', { lm: { steps: 1, learningRate: 1e-9, initFrom: 'runs/quickstart' } }),
      '--json',
    ],
    folder,
  );
  t.is(plan.code, 0, plan.stderr);
});

test('frozen parameters stay as they are, and no moments are kept of them', async (t) => {
  const before = await weightsOf('quickstart');
  const lm = { initFrom: 'runs/quickstart', freeze: ['transformer.*', 'embed_proj.*'], checkpointEvery: 3 };
  const { weights } = await trained('frozen', { lm });
  const isSame = (name: string) => {
    const [a, b] = [before.get(name), weights.get(name)].map((tensor) => tensor?.data as Float32Array);
    return a.every((value, i) => value === b[i]);
  };
  const names = [...before.keys()].filter((name) => !name.startsWith('ae_model.'));
  t.deepEqual([...weights.keys()].sort(), [...before.keys()].sort());
  for (const name of names) t.is(isSame(name), /^(transformer|embed_proj)\./.test(name), name);
  const stage = join(folder, 'runs/frozen/train-lm/checkpoints/step-00000003');
  const saved = await readSafetensors(join(stage, 'tensors.safetensors'));
  t.false([...saved.keys()].some((name) => name.includes('embed_proj')));
  const sample = await calm(
    ['sample', 'runs/frozen', '--checkpoint', '3', '--max-tokens', '4', '--num-candidates', '4'],
    folder,
  );
  t.is(sample.code, 0, sample.stderr);
});

test('learning rates by name: a factor moves a parameter less, 1 moves it as ever', async (t) => {
  const lm = { initFrom: 'runs/quickstart', optimizer: 'muon' };
  const before = await weightsOf('quickstart');
  const plain = await trained('rate-none', { lm });
  const one = await trained('rate-one', { lm: { ...lm, learningRates: { '*': 0.5, 'transformer.*': 1 } } });
  const name = 'transformer.layers.0.self_attn.q_proj.weight';
  const moved = (weights: typeof before, of: string) => {
    const [a, b] = [before.get(of)?.data as Float32Array, weights.get(of)?.data as Float32Array];
    return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0));
  };
  t.true(moved(one.weights, 'embed_proj.0.weight') < 0.7 * moved(plain.weights, 'embed_proj.0.weight'));
  t.true(moved(one.weights, name) > 0.7 * moved(plain.weights, name));
});

test('another head is drawn, and said; the backbone is kept', async (t) => {
  const head = { name: 'flow', numMlpLayers: 1 };
  const { stderr, weights } = await trained('new-head', {
    lm: { initFrom: 'runs/quickstart', head, steps: 1, learningRate: 1e-9 },
  });
  t.regex(stderr, /begins with \d+ of \d+ tensors of runs\/quickstart; drawn: \w+/);
  const name = 'transformer.layers.0.mlp.up_proj.weight';
  const before = await weightsOf('quickstart');
  const [a, b] = [before.get(name)?.data as Float32Array, weights.get(name)?.data as Float32Array];
  t.true(a.every((value, i) => Math.abs(value - b[i]) < 1e-6));
});

test('a CALM begins as a Llama; a Transformer as another one', async (t) => {
  const { stderr, weights } = await trained('from-llama', {
    lm: { initFrom: 'runs/transformer', steps: 1, learningRate: 1e-9 },
  });
  t.regex(stderr, /drawn: embed_proj, /);
  const llama = await weightsOf('transformer');
  for (const name of ['embed_tokens.weight', 'layers.0.self_attn.q_proj.weight', 'norm.weight']) {
    const [a, b] = [llama.get(`model.${name}`)?.data, weights.get(`transformer.${name}`)?.data];
    t.true(
      (a as Float32Array).every((value, i) => Math.abs(value - (b as Float32Array)[i]) < 1e-6),
      name,
    );
  }
  const { head: _, patchesPerSequence: __, ...sizes } = TINY_STAGES['train-lm'];
  const own = { model: 'transformer', head: undefined, patchesPerSequence: undefined, tokensPerSequence: 32 };
  const again = await trained('llama-again', {
    lm: { ...sizes, ...own, initFrom: 'runs/transformer', learningRate: 1e-4 },
    autoencoder: {},
  });
  t.true(again.metrics[0].loss < 3.5, `${again.metrics[0].loss} of a model that begins with nothing is 5.5`);
});

test('an autoencoder begins as another one', async (t) => {
  const { config: fields } = JSON.parse(
    readFileSync(join(folder, 'runs/quickstart/train-autoencoder/manifest.json'), 'utf8'),
  );
  const stage = { ...fields, steps: 2, learningRate: 1e-9, initFrom: 'runs/quickstart' };
  const file = written('autoencoder', { autoencoder: { 'train-autoencoder': stage } });
  const { code, stdout, stderr } = await calm(
    ['run', file, '--until', 'train-autoencoder', '--json'],
    folder,
  );
  t.is(code, 0, stderr);
  const { metrics } = JSON.parse(stdout).stages.at(-1);
  t.true(metrics.tokenAccuracy > 0.9, `${metrics.tokenAccuracy}`);
});

const REFUSED: [what: string, changes: Changes, code: string, message: RegExp][] = [
  [
    'other sizes',
    { lm: { initFrom: 'runs/quickstart', numHiddenLayers: 2 } },
    'CALM_START',
    /numHiddenLayers is 2, .* is 1\.[\s\S]*Write numHiddenLayers: 1/,
  ],
  [
    'another vocabulary',
    { lm: { initFrom: 'runs/quickstart' }, tokenize: { tokenizer: 'bpe', vocabSize: 300 } },
    'CALM_MODEL_MISMATCH',
    /vocabSize/,
  ],
  [
    'another autoencoder',
    {
      lm: { initFrom: 'runs/quickstart' },
      autoencoder: { 'train-autoencoder': { ...TINY_STAGES['train-autoencoder'], steps: 1 } },
    },
    'CALM_START',
    /another autoencoder/,
  ],
  ['nothing there', { lm: { initFrom: 'runs/nothing' } }, 'CALM_MODEL_MISSING', /runs\/nothing/],
  [
    'a step that is not there',
    { lm: { initFrom: { from: 'runs/quickstart', checkpoint: 7 } } },
    'CALM_CHECKPOINT',
    /7/,
  ],
  [
    'a pattern that fits nothing',
    { lm: { freeze: ['transfromer.*'] } },
    'CALM_PARAMETER_UNKNOWN',
    /freeze: no parameter's name is like "transfromer\.\*"/,
  ],
  ['nothing to learn', { lm: { freeze: ['*'] } }, 'CALM_PARAMETER_UNKNOWN', /leaves no parameter/],
  ['a wrong form', { lm: { initFrom: 3 } }, 'CALM_CONFIG_INVALID', /initFrom/],
];

for (const [what, changes, code, message] of REFUSED)
  test(`refused: ${what}`, async (t) => {
    const file = written(`refused-${what.replaceAll(' ', '-')}`, changes);
    const result = await calm(['run', file], folder);
    t.is(result.code, 1);
    t.true(result.stderr.includes(`✖ ${code}`), result.stderr);
    t.regex(result.stderr, message);
  });

test('killed and resumed, with frozen parameters and rates: the same bits', async (t) => {
  t.timeout(120_000);
  const lm = {
    initFrom: 'runs/quickstart',
    freeze: ['transformer.embed_tokens.weight'],
    learningRates: { 'transformer.*': 0.5 },
    steps: 90,
    checkpointEvery: 5,
  };
  const cli = new RunningCli(['run', written('killed', { lm })], folder);
  const metrics = join(folder, 'runs/killed/.work/train-lm/metrics.jsonl');
  const isFar = () => existsSync(metrics) && readFileSync(metrics, 'utf8').split('\n').length > 10;
  t.is((await cli.signalWhen(isFar, 'SIGKILL')).signal, 'SIGKILL');
  const resumed = await start(['run', 'killed.yaml'], folder);
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /from the checkpoint at step/);
  // Not taken from the other run, which is the same.
  const straight = await calm(['run', written('straight', { lm }), '--force'], folder);
  t.is(straight.code, 0, straight.stderr);
  t.notRegex(straight.stderr, /taken from/);
  const file = (run: string) => readFileSync(join(folder, 'runs', run, 'train-lm/model/model.safetensors'));
  t.true(file('killed').equals(file('straight')));
});
