import test from 'ava';
import { type CalmError, CalmError as UserError } from '../../src/errors.ts';
import { applyOverrides, checkConfig, parseConfig } from '../../src/pipeline/index.ts';

function errorOf(run: () => unknown): CalmError {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

const check = (text: string) => checkConfig(parseConfig('x/calm.yaml', text));

test('a configuration with defaults; empty stages; stages under other ids', (t) => {
  const config = check('stages:\n  tokenize:\n  second: { uses: tokenize, vocabSize: 300 }\n');
  t.is(config.name, 'default');
  t.is(config.engine, 'auto');
  t.deepEqual(config.stages.tokenize, { uses: 'tokenize', inputs: {}, fields: {} });
  t.deepEqual(config.stages.second, { uses: 'tokenize', inputs: {}, fields: { vocabSize: 300 } });
});

test('an unknown key is named with its place and the nearest known one', (t) => {
  const error = errorOf(() => check('seed: 1\nengin: wasm\nstages: {}\n'));
  t.is(error.code, 'CALM_CONFIG_UNKNOWN_KEY');
  t.deepEqual(error.location, { file: 'x/calm.yaml', line: 2, column: 1 });
  t.regex(error.hint ?? '', /Did you mean "engine"/);
});

test('a wrong type, broken YAML and duplicate keys have their places', (t) => {
  const wrong = errorOf(() => check('stages: {}\nseed: many\n'));
  t.is(wrong.code, 'CALM_CONFIG_INVALID');
  t.is(wrong.location?.line, 2);
  const broken = errorOf(() => check('stages:\n  a: [1\n'));
  t.is(broken.code, 'CALM_CONFIG_SYNTAX');
  const twice = errorOf(() => check('seed: 1\nseed: 2\nstages: {}\n'));
  t.is(twice.code, 'CALM_CONFIG_SYNTAX');
  t.is(twice.location?.line, 2);
});

test('names cannot leave their folders', (t) => {
  for (const name of ['../x', 'a/b', '.hidden'])
    t.is(errorOf(() => check(`name: ${name}\nstages: {}\n`)).code, 'CALM_CONFIG_INVALID');
  t.is(errorOf(() => check('stages: { ../x: {} }\n')).code, 'CALM_CONFIG_INVALID');
});

test('--set changes known paths only', (t) => {
  const document = parseConfig('calm.yaml', 'stages: { train-lm: { steps: 1 } }');
  const { data } = applyOverrides(document, [
    'train-lm.steps=500',
    'stages.train-lm.schedule=cosine',
    'seed=7',
  ]);
  t.deepEqual(data, { seed: 7, stages: { 'train-lm': { steps: 500, schedule: 'cosine' } } });
  t.deepEqual(document.data, { stages: { 'train-lm': { steps: 1 } } });
  t.is(errorOf(() => applyOverrides(document, ['trainlm.steps=5'])).code, 'CALM_OVERRIDE_UNKNOWN_PATH');
  t.regex(errorOf(() => applyOverrides(document, ['trainlm.steps=5'])).hint ?? '', /Did you mean "train-lm"/);
  t.is(errorOf(() => applyOverrides(document, ['seed'])).code, 'CALM_OVERRIDE_SYNTAX');
});

test('--set goes down into a short form, and says where it can’t', (t) => {
  const document = parseConfig('calm.yaml', 'stages: { train-lm: { head: flow, steps: 1 } }');
  const { data } = applyOverrides(document, ['train-lm.head.numSamples=3', 'train-lm.optimizer.beta1=0.8']);
  const expected = { head: { name: 'flow', numSamples: 3 }, steps: 1, optimizer: { beta1: 0.8 } };
  t.deepEqual(data, { stages: { 'train-lm': expected } });
  const error = errorOf(() => applyOverrides(document, ['train-lm.steps.most=3']));
  t.is(error.code, 'CALM_OVERRIDE_UNKNOWN_PATH');
  t.is(error.message, '--set train-lm.steps.most: "steps" is 1 and has no keys.');
  t.regex(error.hint ?? '', /--set 'train-lm\.steps=\{…\}'/);
});

test('a matrix goes down into a short form', (t) => {
  const text =
    'stages: { train-lm: { head: flow } }\nmatrix: { train-lm.head.numSamples: [2, 3], ' +
    'train-lm.optimizer.beta1: [0.5] }';
  const { cells } = checkConfig(parseConfig('calm.yaml', text));
  t.deepEqual(
    cells.map(({ config }) => config.stages['train-lm'].fields),
    [2, 3].map((numSamples) => ({ head: { name: 'flow', numSamples }, optimizer: { beta1: 0.5 } })),
  );
});

test('configurations that are made to break a parser are refused', (t) => {
  const code = (text: string) =>
    (t.throws(() => checkConfig(parseConfig('calm.yaml', text))) as { code?: string }).code;
  t.is(code(`stages: ${'['.repeat(200_000)}`), 'CALM_CONFIG_SYNTAX');
  t.is(code(`stages: ${'['.repeat(20_000)}${']'.repeat(20_000)}`), 'CALM_CONFIG_SYNTAX');
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...Array.from(
      { length: 9 },
      (_, i) => `${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`,
    ),
  ];
  t.is(code(bomb.join('\n')), 'CALM_CONFIG_SYNTAX');
  t.is(code('stages: !!js/function "function () { throw 1 }"'), 'CALM_CONFIG_INVALID');
  t.is(code('name: ../../x\nstages: {}'), 'CALM_CONFIG_INVALID');
  t.is(code('stages: {"../x": {}}'), 'CALM_CONFIG_INVALID');
  t.is(code('__proto__: {polluted: 1}\nstages: {}'), 'CALM_CONFIG_UNKNOWN_KEY');
  t.false('polluted' in {});
});

test('--set changes one stage of two that share a record by an alias', (t) => {
  const yaml = 'stages:\n  a: &same { uses: x, inner: { steps: 1 } }\n  b: *same\n';
  const { data } = applyOverrides(parseConfig('/p/x.yaml', yaml), ['a.inner.steps=5']);
  const stages = data.stages as Record<string, { inner: { steps: number } }>;
  t.deepEqual([stages.a.inner.steps, stages.b.inner.steps], [5, 1]);
});
