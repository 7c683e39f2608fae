import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { readSafetensors } from 'calm-lm/artifacts';
import plugin from '#plugins';
import { calm as calmAlone, ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { differingFiles } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const KILLS_ITSELF = pathToFileURL(join(import.meta.dirname, '../helpers/kills-itself.js')).href;
const SGD = { name: 'sgd', momentum: 0.8 };

/** A project that has calm-lm and the third-party package installed, as npm would lay them out. */
function project(folder: string, optimizer: unknown): string {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const [name, from] of [
    ['calm-lm', ROOT],
    ['zod', join(ROOT, 'node_modules/zod')],
  ])
    symlinkSync(from, join(folder, 'node_modules', name));
  const fixture = join(ROOT, 'test/fixtures/calm-plugin-sgd');
  cpSync(fixture, join(folder, 'node_modules/calm-plugin-sgd'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "module" }');
  // Two records, so that YAML makes no alias of them.
  const changes = () => ({ optimizer: structuredClone(optimizer), learningRate: 0.05, logEvery: 3 });
  return writeTinyProject(
    folder,
    { 'train-autoencoder': changes(), 'train-lm': changes() },
    { plugins: ['calm-plugin-sgd'] },
  );
}

test('a third-party optimiser trains; a run that was killed ends with the same bits', async (t) => {
  const folder = temporaryFolder(t);
  const args = ['run', project(folder, SGD), '--until', 'train-lm', '--engine', 'onnx'];
  const calm = calmInOneProcess(t);
  const straight = await calm([...args, '--set', 'output=straight'], folder);
  t.is(straight.code, 0, straight.stderr);
  for (const at of ['train-autoencoder/checkpoints/step-00000014', 'train-lm/checkpoints/step-00000021']) {
    const environment = { NODE_OPTIONS: `--import ${KILLS_ITSELF}`, CALM_KILL_AT: at };
    const killed = await calmAlone([...args, '--set', 'output=killed'], folder, environment);
    t.is(killed.signal, 'SIGKILL', killed.stderr);
  }
  const again = await calm([...args, '--set', 'output=killed'], folder);
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /resuming from the checkpoint at step 14/);
  const differing = differingFiles(join(folder, 'killed/tiny'), join(folder, 'straight/tiny'));
  // It holds the time that training took.
  t.deepEqual(
    differing.filter((file) => !file.endsWith('state.json')),
    [],
  );

  const stage = join(folder, 'straight/tiny/train-lm');
  const checkpoint = await readSafetensors(join(stage, 'checkpoints/step-00000030/tensors.safetensors'));
  const names = [...checkpoint.keys()];
  const states = names.filter((name) => name.startsWith('momentum.trace.'));
  t.is(states.length, names.length / 2);
  t.true(states.some((name) => checkpoint.get(name)?.data.some((value) => value !== 0)));
  const losses = readFileSync(join(stage, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('gradNorm'))
    .map((line) => JSON.parse(line).loss as number);
  t.true((losses.at(-1) as number) < losses[0], `${losses}`);
});

test(
  'an option that a third-party optimiser does not have is an error in its line, before ' + 'any work',
  async (t) => {
    const folder = temporaryFolder(t);
    const args = ['plan', project(folder, SGD), '--set', 'train-lm.optimizer.beta2=0.9'];
    const { code, stderr } = await calmAlone(args, folder);
    t.is(code, 1);
    t.regex(
      stderr,
      /CALM_CONFIG_INVALID +\S*tiny\.yaml:\d+:\d+\s+stages\.train-lm\.optimizer\.beta2: sgd has no option "beta2"\. .*Available: momentum, weightDecay/,
    );
  },
);

test('the documentation of optimisers shows the package that is tested', (t) => {
  const page = readFileSync(join(ROOT, 'docs/extending/optimizers.md'), 'utf8');
  const shown = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
  const files = ['index.js', 'sgd.js'].map((file) => join(ROOT, 'test/fixtures/calm-plugin-sgd', file));
  t.deepEqual(
    shown,
    files.map((file) => readFileSync(file, 'utf8')),
  );
});

const trainingStages = plugin.stages.filter(({ name }) => name.startsWith('train-'));

/** Key and message of the first problem of a training stage's configuration. */
async function problemOf(name: string, given: object): Promise<string> {
  const stage = trainingStages.find((candidate) => candidate.name === name);
  const result = await stage?.config['~standard'].validate(given);
  const [{ path, message }] = result?.issues ?? [{ path: [], message: 'none' }];
  return `${(path ?? []).map(String).join('.')}: ${message}`;
}

for (const { name } of trainingStages) {
  test(`${name}: what is wrong with an optimiser names the key and what there is`, async (t) => {
    t.regex(
      await problemOf(name, { optimizer: 'adamv' }),
      /^optimizer: no optimiser is called "adamv"\. Did you mean "adamw"\? Available: adamw/,
    );
    t.regex(await problemOf(name, { optimizer: { name: 'sgd' } }), /^optimizer\.name: no optimiser .* "sgd"/);
    t.regex(await problemOf(name, { optimizer: { name: 3 } }), /^optimizer\.name: must be a name: adamw/);
    for (const given of [5, null, ['adamw'], true])
      t.regex(await problemOf(name, { optimizer: given }), /^optimizer: must be a name \(adamw\b.*\), or \{/);
    t.regex(
      await problemOf(name, { optimizer: { betas: 1 } }),
      /^optimizer\.betas: adamw has no option "betas"/,
    );
    t.regex(await problemOf(name, { optimizer: { beta1: 1 } }), /^optimizer\.beta1: .*<1/);
  });

  test(`${name}: an option of AdamW beside the optimiser is an error that says its place`, async (t) => {
    for (const [key, value] of Object.entries({ beta1: 0.8, beta2: 0.9, epsilon: 1e-6, weightDecay: 0 }))
      t.is(
        await problemOf(name, { [key]: value }),
        `${key}: is an option of the optimiser: write \`optimizer: { ${key}: ${value} }\``,
      );
  });

  test(`${name}: an optimiser is a name, or a name with options; the result has all of them`, async (t) => {
    const stage = trainingStages.find((candidate) => candidate.name === name);
    const chosen = async (given: object) => {
      const result = await stage?.config['~standard'].validate(given);
      return (result as { value: { optimizer: object } }).value.optimizer;
    };
    const defaults = { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
    for (const given of [{}, { optimizer: 'adamw' }, { optimizer: {} }, { optimizer: { name: 'adamw' } }])
      t.deepEqual(await chosen(given), defaults);
    const changed = await chosen({ optimizer: { beta2: 0.99 } });
    t.deepEqual(changed, { ...defaults, beta2: 0.99 });
    t.deepEqual(await chosen({ optimizer: changed }), changed, 'what was resolved can be read again');
  });
}
