import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { calm as calmAlone, ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { fakeRun } from '../helpers/report-run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

test('a whole run: the answer, samples, JSON, up to date the second time', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  const run = await calmAlone(['run', config], folder);
  t.is(run.code, 0, run.stderr);
  for (const pattern of [
    /^✔ runs\/tiny: 6 stages in .*; language model of [\d.]+k parameters\n/,
    /\n. reconstruction accuracy ↑ +\d+\.\d\d % +paper 99\.90 %\n/,
    /\n. BrierLM ↑ +\S+ \(\S+ … \S+\) +unigram \S+, untrained \S+\n/,
    /\n. energy loss ↓ +\S+ +context-free \S+\n/,
    /\nsamples \(prompt "the ", temperature \S+\)\n {2}1 .*\n {2}2 /,
    /\nNext: .* sample runs\/tiny --prompt '.*\n {6}.* report runs\/tiny\n$/,
  ])
    t.regex(run.stdout, pattern);
  t.true(run.stdout.split('\n').length <= 16, run.stdout);

  const again = await calm(['run', config, '--json'], folder);
  const { stages } = JSON.parse(again.stdout) as {
    stages: { name: string; state: string; seconds: number; metrics: Record<string, unknown> }[];
  };
  t.deepEqual(
    stages.map(({ name, state }) => [name, state]),
    ['tokenize', 'train-autoencoder', 'encode-corpus', 'train-lm', 'evaluate', 'sample'].map((name) => [
      name,
      'up to date',
    ]),
  );
  t.is(typeof stages[1].metrics.tokenAccuracy, 'number');

  const brier = JSON.parse((await calm(['eval', 'brierlm', config, '--json'], folder)).stdout);
  t.is(brier.brier.length, 4);
  t.like(brier, { numSamples: 2, protocol: 'weighted', numWindows: 4 * 13 });
  t.deepEqual(brier.brier, (stages[4].metrics.brierlm as { brier: number[] }).brier);

  const reconstruction = JSON.parse(
    (await calm(['eval', 'reconstruction', 'runs/tiny', '--json'], folder)).stdout,
  );
  t.deepEqual(
    reconstruction.underNoise.map(({ sigma }: { sigma: number }) => sigma),
    [0.1, 0.2, 0.3, 0.4, 0.5],
  );
  t.is(typeof reconstruction.tokenAccuracy, 'number');
  t.is(typeof reconstruction.patchAccuracy, 'number');

  const sample = (seed: number) =>
    calm(
      [
        'sample',
        'runs/tiny',
        '--prompt',
        'peace ',
        '--temperature',
        '1',
        '--max-tokens',
        '7',
        '--num-samples',
        '2',
        '--seed',
        String(seed),
      ],
      folder,
    );
  const [first, second] = [await sample(7), await sample(7)];
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /— 1 —\npeace [\s\S]*— 2 —\npeace /);
  t.is(first.stdout, second.stdout);

  const plan = await calm(['plan', config, '--set', 'train-lm.steps=31'], folder);
  t.regex(plan.stdout, /train-lm\s+out of date\s+tokenize.*steps 30 → 31/);
  t.regex((await calm(['plan', config, '--mermaid'], folder)).stdout, /tokenize -- tokens --> train-lm/);
  t.deepEqual(readdirSync(join(folder, 'runs/tiny/.work')), []);
});

test('a stage’s own command runs that stage with its flags', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  const bpe = await calm(['tokenize', config, '--tokenizer', 'bpe', '--vocab-size', '280', '--json'], folder);
  t.is(bpe.code, 0, bpe.stderr);
  t.is(JSON.parse(bpe.stdout).stages[0].metrics.vocabSize, 280);
  const early = await calm(['train-lm', config], folder);
  t.is(early.code, 1);
  t.regex(
    early.stderr,
    /CALM_INPUT_NOT_READY[\s\S]*calm run --until tokenize|CALM_INPUT_NOT_READY[\s\S]*train-autoencoder/,
  );
});

test('a corpus of one file is split by paragraphs, with a word about it', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  writeFileSync(
    join(folder, 'one.txt'),
    Array.from({ length: 20 }, (_, i) => `paragraph ${i} of the nation`).join('\n\n'),
  );
  const run = await calm(['tokenize', config, '--set', 'tokenize.corpus=one.txt', '--json'], folder);
  t.is(run.code, 0, run.stderr);
  t.regex(run.stderr, /one file.*paragraphs/);
  t.like(JSON.parse(run.stdout).stages[0].metrics, { documents: 20 });
});

const mistakes: [string, string[], RegExp[]][] = [
  [
    'a wrong key',
    ['run', 'tiny.yaml', '--set', 'train-lm.lerningRate=1'],
    [/CALM_CONFIG_UNKNOWN_KEY/, /Did you mean "learningRate"/],
  ],
  [
    'a wrong type',
    ['run', 'tiny.yaml', '--set', 'train-lm.steps=many'],
    [/CALM_CONFIG_INVALID +\S*tiny\.yaml:\d+:\d+/, /stages\.train-lm\.steps/],
  ],
  ['a missing file', ['run', 'nothing.yaml'], [/CALM_CONFIG_NOT_FOUND/, /calm init/]],
  [
    'a missing corpus',
    ['run', 'tiny.yaml', '--set', 'tokenize.corpus=no/such.txt'],
    [/CALM_FILE_MISSING/, /no\/such\.txt/],
  ],
  [
    'an unknown stage',
    ['run', 'tiny.yaml', '--only', 'train-ml'],
    [/CALM_STAGE_NOT_IN_CONFIG/, /Did you mean "train-lm"/],
  ],
  [
    'a temperature above 1',
    ['run', 'tiny.yaml', '--set', 'sample.temperature=1.5'],
    [/CALM_CONFIG_INVALID/, /must lie in \(0, 1\]/, /stages\.sample\.temperature/],
  ],
  [
    'a temperature below 0 to measure',
    ['eval', 'temperature', 'tiny.yaml', '--temperatures', '0.5,-1'],
    [/CALM_CONFIG_INVALID/, /must lie in \(0, 1\]/],
  ],
  [
    'one model sample',
    ['run', 'tiny.yaml', '--set', 'train-lm.numSamples=1'],
    [/CALM_CONFIG_INVALID/, /stages\.train-lm\.numSamples/],
  ],
  [
    'one sample a window',
    ['eval', 'brierlm', 'tiny.yaml', '--num-samples', '1'],
    [/CALM_CONFIG_INVALID/, /numSamples/],
  ],
  [
    'one candidate',
    ['sample', 'tiny.yaml', '--num-candidates', '1'],
    [/CALM_CONFIG_INVALID/, /numCandidates/],
  ],
  [
    'an unknown head',
    ['run', 'tiny.yaml', '--set', 'train-lm.head=difusion'],
    [/CALM_CONFIG_INVALID +\S*tiny\.yaml:\d+:\d+/, /Did you mean "diffusion"/, /energy, flow/],
  ],
  [
    'an address that is none',
    ['eval', 'brierlm', 'tiny.yaml', '--endpoint', 'localhost:8000'],
    [/CALM_CONFIG_INVALID/, /http:\/\//],
  ],
  ['no run to report on', ['report'], [/CALM_REPORT_NOTHING/]],
  ['a temperature of 0', ['sample', 'tiny.yaml', '--temperature', '0'], [/must lie in \(0, 1\]/]],
  ['a temperature that is no number', ['sample', 'tiny.yaml', '--temperature', 'warm'], [/temperature/]],
  ['an unknown command', ['trian-lm'], [/CALM_COMMAND_UNKNOWN/, /Did you mean "calm train-lm"/]],
  ['an unknown engine', ['run', 'tiny.yaml', '--engine', 'cuda'], [/CALM_ENGINE_UNKNOWN/, /wasm/]],
];

for (const [what, args, patterns] of mistakes)
  test(`${what} is an error on one screen`, isOnOneScreen, calm, args, patterns);

// What oclif itself says, as it says it.
test('an unknown flag is an error on one screen', isOnOneScreen, calmAlone, ['run', '--frce'], [/--frce/]);

async function isOnOneScreen(
  t: ExecutionContext,
  run: typeof calm | typeof calmAlone,
  args: readonly string[],
  patterns: readonly RegExp[],
) {
  const folder = temporaryFolder(t);
  writeTinyProject(folder, { 'train-autoencoder': { steps: 1 } });
  const { code, stdout, stderr } = await run(args, folder);
  t.true(code !== 0);
  for (const pattern of patterns) t.regex(stdout + stderr, pattern);
  t.true(stderr.split('\n').length < 20, stderr);
  t.notRegex(stderr, /\n {4}at /);
}

test('with --json an error is a document too', async (t) => {
  const { code, stdout } = await calm(['plan', 'none.yaml', '--json'], temporaryFolder(t));
  t.is(code, 1);
  t.like(JSON.parse(stdout).error, { code: 'CALM_CONFIG_NOT_FOUND' });
});

test('an artifact of another format version is refused by name', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  await calm(['tokenize', config], folder);
  const index = join(folder, 'runs/tiny/tokenize/tokens/index.json');
  writeFileSync(index, readFileSync(index, 'utf8').replace('"formatVersion": 1', '"formatVersion": 2'));
  const { code, stderr } = await calm(['train-autoencoder', config], folder);
  t.is(code, 1);
  t.regex(stderr, /CALM_ARTIFACT_VERSION +\S*index\.json/);
  t.regex(stderr, /→ .*--force/);
});

test('doctor, stages and schema answer', async (t) => {
  const folder = temporaryFolder(t);
  const doctor = await calm(['doctor', '--json'], folder);
  t.is(doctor.code, 0, doctor.stderr);
  const { findings } = JSON.parse(doctor.stdout) as { findings: { what: string; state: string }[] };
  for (const what of ['node', 'engine onnx', 'engine wasm', 'engine cpu', 'memory', 'disk', 'tokenizers'])
    t.true(
      findings.some((finding) => finding.what === what && finding.state === 'ok'),
      what,
    );
  t.regex(
    (await calm(['stages'], folder)).stdout,
    /train-lm +token-shards, autoencoder, latent-shards\? +language-model/,
  );
  const schema = await calm(['schema'], folder);
  t.is(
    schema.stdout,
    readFileSync(join(ROOT, 'configs/calm.schema.json'), 'utf8'),
    'configs/calm.schema.json is out of date: npm run schema',
  );
});

test('help, plan and ls load neither a tensor library nor what draws plots', async (t) => {
  const trace = (...args: string[]) => calmAlone(args, ROOT, { NODE_DEBUG: 'module,esm' });
  const help = await trace('--help');
  t.is(help.code, 0);
  t.regex(help.stdout, /train-autoencoder/);
  t.notRegex(help.stderr, /tfjs-core|node_modules\/vega/);
  t.notRegex((await trace('plan', 'configs/smoke.yaml')).stderr, /tfjs-core|node_modules\/vega/);
  const folder = temporaryFolder(t);
  await fakeRun(folder, { train: { base: 'train', curve: [1, 2].map((step) => ({ step, loss: step })) } });
  t.notRegex((await trace('ls', join(folder, 'runs'))).stderr, /tfjs-core|node_modules\/vega/);
  const report = await trace('report', join(folder, 'runs/fake'), '-o', join(folder, 'page.html'));
  t.regex(report.stderr, /node_modules\/vega/, 'a command that does draw shows it');
  t.regex((await trace('doctor')).stderr, /tfjs-core/, 'a command that does load it shows it');
});
