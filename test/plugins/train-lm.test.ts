/** One train-lm for two models: each has fields and inputs of its own. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import builtin from '#plugins';
import { config } from '../../plugins/train-lm/config.ts';
import trainLm from '../../plugins/train-lm/index.ts';
import { buildGraph } from '../../src/pipeline/graph.ts';
import { checkConfig, fieldsOf, Registry } from '../../src/pipeline/index.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

async function check(given: object) {
  const found = await config['~standard'].validate(given);
  return found.issues ? found.issues.map(({ path, message }) => `${path}: ${message}`).join() : found.value;
}

test('each model has its own fields; those of the other one are refused by name', async (t) => {
  t.like(await check({}), { model: 'calm', patchesPerSequence: 2048, head: { name: 'energy' } });
  const transformer = await check({ model: 'transformer', tokensPerSequence: 64 });
  t.like(transformer, { tokensPerSequence: 64, tieWordEmbeddings: false, evaluateBrier: false });
  for (const field of ['head', 'inputMode', 'patchesPerSequence']) {
    t.false(field in (transformer as object), field);
    t.regex(String(await check({ model: 'transformer', [field]: 4 })), new RegExp(`^${field}: .*of a CALM`));
  }
  for (const field of ['tokensPerSequence', 'tieWordEmbeddings', 'evaluateBrier']) {
    t.false(field in ((await check({})) as object), field);
    t.regex(String(await check({ [field]: 4 })), new RegExp(`^${field}: .*of a Transformer`));
  }
  t.regex(String(await check({ model: 'llama' })), /^model: /);
  t.regex(String(await check({ model: 'transformer', hiddenSize: 7 })), /^hiddenSize: must be a multiple/);
  const fields = Object.keys(fieldsOf(trainLm));
  for (const field of ['model', 'head', 'tokensPerSequence', 'steps']) t.true(fields.includes(field), field);
});

const TOKENIZE = { corpus: 'texts/*.txt', tokenizer: 'bytes' };

function graphOf(stages: object) {
  const registry = new Registry();
  registry.addPlugin(builtin);
  const data = { name: 'wired', stages };
  const document = {
    file: 'calm.yaml',
    directory: '.',
    outputBase: 'runs',
    data,
    locate: () => ({ file: '' }),
  };
  return buildGraph(checkConfig(document), registry);
}

test('a Transformer takes tokens alone, also where there are autoencoders', async (t) => {
  const stages = { tokenize: TOKENIZE, 'train-autoencoder': {}, 'train-lm': { model: 'transformer' } };
  const nodes = await graphOf(stages);
  t.deepEqual(Object.keys(nodes.find(({ id }) => id === 'train-lm')?.inputs ?? {}), ['tokens']);
  const calmNodes = await graphOf({ ...stages, 'train-lm': {} });
  t.deepEqual(Object.keys(calmNodes.find(({ id }) => id === 'train-lm')?.inputs ?? {}), [
    'tokens',
    'autoencoder',
  ]);
  await t.notThrowsAsync(graphOf({ tokenize: TOKENIZE, 'train-lm': { model: 'transformer' } }));
  const wired = { model: 'transformer', inputs: { autoencoder: 'train-autoencoder' } };
  await t.throwsAsync(graphOf({ ...stages, 'train-lm': wired }), {
    code: 'CALM_INPUT_UNKNOWN',
    message: /takes no input "autoencoder"/,
  });
});

test('what a Transformer can’t do is said before it is trained', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'text.txt'), 'peace '.repeat(2000));
  const stages = {
    tokenize: { corpus: 'text.txt', tokenizer: 'bytes' },
    'train-lm': { model: 'transformer', tokensPerSequence: 16 },
  };
  const cases = [
    [{ evaluate: { measures: ['energy'] } }, /CALM_MEASURE_IMPOSSIBLE[\s\S]*a Transformer has none/],
    [{ evaluate: { candidateCounts: [9] } }, /CALM_MEASURE_OPTION[\s\S]*candidateCounts/],
    [{ sample: { sampler: 'exact' } }, /CALM_SAMPLING_OPTION[\s\S]*sampler/],
  ] as const;
  for (const [stage, problem] of cases) {
    writeFileSync(join(folder, 'calm.yaml'), stringify({ name: 'x', stages: { ...stages, ...stage } }));
    const { code, stderr } = await calm(['run'], folder);
    t.is(code, 1);
    t.regex(stderr, problem);
    t.false(stderr.includes('▶ tokenize'), stderr);
  }
});
