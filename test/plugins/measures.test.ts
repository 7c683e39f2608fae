/**
 * Measures: a third party's by registerMeasure, needs that a model does not meet, options that are of no use
 * to it.
 */

import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { allMeasures, type Measure, registerMeasure } from 'calm-lm/evaluation/measures';
import { chooseMeasures } from '../../plugins/evaluate/needs.ts';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';
import '../../plugins/evaluate/table.ts';

const calm = calmInOneProcess(test);

const FIXTURE = join(ROOT, 'test/fixtures/calm-plugin-hit-rate');
const CALM = { isTransformer: false, hasAutoencoder: true };
const TRANSFORMER = { isTransformer: true, hasAutoencoder: false };

/** A configuration with nothing but these fields; `choose` reads no others. */
const fields = (given: object) => given as Parameters<typeof chooseMeasures>[0];
const names = (given: object, about: Parameters<typeof chooseMeasures>[1]) =>
  chooseMeasures(fields(given), about).map(({ name }) => name);

test('without `measures`, those are taken that the model allows', (t) => {
  t.deepEqual(names({}, CALM), ['reconstruction', 'brierlm', 'energy', 'baselines', 'words']);
  t.deepEqual(names({}, TRANSFORMER), ['perplexity', 'brierlm', 'baselines', 'words']);
  t.deepEqual(names({}, { isTransformer: undefined, hasAutoencoder: true }), ['reconstruction']);
  t.throws(() => names({}, { isTransformer: undefined, hasAutoencoder: false }), {
    code: 'CALM_INPUT_MISSING',
  });
});

test('a measure that is asked for and impossible is an error in words', (t) => {
  const cases = [
    ['perplexity', CALM, /a CALM gives no likelihoods/],
    ['energy', TRANSFORMER, /a Transformer has none/],
    ['reconstruction', TRANSFORMER, /needs an autoencoder/],
    ['brierlm', { isTransformer: undefined, hasAutoencoder: true }, /needs a language model/],
  ] as const;
  for (const [measure, about, words] of cases)
    t.throws(() => names({ measures: [measure] }, about), {
      code: 'CALM_MEASURE_IMPOSSIBLE',
      message: words,
    });
  t.deepEqual(names({ measures: ['sampled', 'brierlm'] }, TRANSFORMER), ['brierlm', 'sampled']);
});

test('an option that is of no use to the model is refused', (t) => {
  t.throws(() => names({ stride: 2 }, CALM), { code: 'CALM_MEASURE_OPTION', message: /stride/ });
  t.throws(() => names({ candidateCounts: [9] }, TRANSFORMER), { message: /candidateCounts/ });
  t.notThrows(() => names({ stride: 2, contextTokens: 2 }, TRANSFORMER));
  t.notThrows(() => names({ candidateCounts: [9] }, CALM));
});

test('names and options of measures are nobody else’s', (t) => {
  const own = {
    name: 'mine',
    summary: 'Mine.',
    needs: [],
    options: {},
    values: [],
    load: async () => async () => ({}),
  } satisfies Measure;
  const known = allMeasures()[0];
  t.notThrows(() => registerMeasure(known));
  t.throws(() => registerMeasure({ ...own, name: known.name }), { code: 'CALM_MEASURE_DUPLICATE' });
  t.throws(() => registerMeasure({ ...own, name: 'No Name' }), { code: 'CALM_MEASURE_INVALID' });
  for (const taken of ['numSamples', 'measures', 'uses'])
    t.throws(() => registerMeasure({ ...own, options: { [taken]: {} as never } }), {
      code: 'CALM_MEASURE_INVALID',
      message: new RegExp(taken),
    });
});

test('the page about measures shows the package that is tested', (t) => {
  const page = readFileSync(join(ROOT, 'docs/extending/measures.md'), 'utf8');
  for (const file of ['index.js', 'hit-rate.js'])
    t.true(page.includes(`\`\`\`js\n${readFileSync(join(FIXTURE, file), 'utf8')}\`\`\``), file);
});

test('a package’s measure is taken with options of its own', async (t) => {
  const folder = temporaryFolder(t);
  const few = { steps: 2, warmupSteps: 1 };
  writeTinyProject(
    folder,
    {
      'train-autoencoder': few,
      'train-lm': few,
      evaluate: { measures: ['brierlm', 'hit-rate'], tries: 2 },
    },
    { plugins: ['calm-plugin-hit-rate'], engine: 'onnx' },
  );
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  cpSync(FIXTURE, join(folder, 'node_modules/calm-plugin-hit-rate'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "module" }');
  const run = await calm(['run', 'tiny.yaml', '--until', 'evaluate', '--json'], folder);
  t.is(run.code, 0, run.stderr);
  const { metrics } = JSON.parse(run.stdout).stages.at(-1);
  t.deepEqual(Object.keys(metrics), ['brierlm', 'hit-rate']);
  const { share, patches } = metrics['hit-rate'];
  t.is(patches, 4 * 15);
  t.true(share >= 0 && share <= 1);
  const listed = JSON.parse((await calm(['ls', '--json'], folder)).stdout);
  t.is(listed.runs[0].headline['hit rate'], share);

  const asked = await calm(['eval', 'hit-rate', 'runs/tiny', '--tries', '2', '--json'], folder);
  t.deepEqual(JSON.parse(asked.stdout), metrics['hit-rate'], asked.stderr);
  const unknown = await calm(['eval', 'hit-rat', 'runs/tiny'], folder);
  t.regex(unknown.stderr, /CALM_COMMAND_UNKNOWN[\s\S]*eval hit-rat/);

  const set = (value: string) => ['plan', 'tiny.yaml', '--set', `evaluate.${value}`];
  t.regex((await calm(set('tries=0'), folder)).stderr, /CALM_CONFIG_INVALID[\s\S]*tries/);
  t.regex((await calm(set('measures=[hits]'), folder)).stderr, /"hit-rate"/);
  t.regex((await calm(set('trys=3'), folder)).stderr, /Did you mean "tries"/);
});
