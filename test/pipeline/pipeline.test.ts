import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { CalmError } from '../../src/errors.ts';
import {
  checkConfig,
  makePlan,
  type PipelineEvent,
  parseConfig,
  Registry,
  runPlan,
  type Selection,
} from '../../src/pipeline/index.ts';
import { defineArtifact, defineStage, optional } from '../../src/plugin/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const text = (name: string) =>
  defineArtifact({
    name,
    formatVersion: 1,
    open: (directory: string) => readFile(join(directory, 'x'), 'utf8'),
    create: async (directory: string) => (value: string) => writeFile(join(directory, 'x'), value),
  });
const [raw, cooked] = [text('raw'), text('cooked')];

const make = defineStage({
  name: 'make',
  summary: 'Writes a word.',
  config: z.strictObject({ word: z.string().default('a') }),
  inputs: {},
  outputs: { out: raw },
  run: async ({ config, outputs, report }) => {
    await outputs.out(config.word);
    report.metrics({ step: 1, length: config.word.length });
    report.summary({ length: config.word.length });
  },
});

const double = defineStage({
  name: 'double',
  summary: 'Says it twice.',
  config: z.strictObject({ times: z.int().default(2) }),
  inputs: { in: raw, more: optional(cooked) },
  outputs: { out: cooked },
  run: async ({ config, inputs, outputs }) =>
    outputs.out(inputs.in.repeat(config.times) + (inputs.more ?? '')),
});

const fail = defineStage({
  name: 'fail',
  summary: 'Fails after half the work.',
  config: z.strictObject({}),
  inputs: { in: raw },
  outputs: { out: text('never') },
  run: async ({ outputs }) => {
    await outputs.out('half');
    throw new Error('no more');
  },
});

function registry(): Registry {
  const stages = new Registry();
  for (const stage of [make, double, fail]) stages.add(stage, 'test');
  return stages;
}

function plan(folder: string, yaml: string, selection: Selection & { force?: boolean } = {}) {
  return makePlan(checkConfig(parseConfig(join(folder, 'p.yaml'), yaml)), registry(), {
    ...selection,
  });
}

async function run(folder: string, yaml: string, selection: Selection & { force?: boolean } = {}) {
  const events: PipelineEvent[] = [];
  const options = {
    report: (event: PipelineEvent) => events.push(event),
    signal: new AbortController().signal,
    loadEngine: async () => ({ name: 'none', versions: {} }),
    version: '0',
  };
  return { results: await runPlan(await plan(folder, yaml, selection), options), events };
}

async function errorOf(t: ExecutionContext, promise: Promise<unknown>): Promise<CalmError> {
  const error = await t.throwsAsync(promise);
  t.true(error instanceof CalmError, String(error?.stack));
  return error as CalmError;
}

const CHAIN = 'stages:\n  double: {}\n  make: { word: hi }\n';

test('stages are wired by kind, run in order, and are up to date the second time', async (t) => {
  const folder = temporaryFolder(t);
  const first = await run(folder, CHAIN);
  t.deepEqual(
    first.results.map(({ name, state }) => [name, state]),
    [
      ['make', 'done'],
      ['double', 'done'],
    ],
  );
  t.is(readFileSync(join(folder, 'runs/p/double/out/x'), 'utf8'), 'hihi');
  t.is(readFileSync(join(folder, 'runs/p/make/metrics.jsonl'), 'utf8'), '{"step":1,"length":2}\n');
  const second = await run(folder, CHAIN);
  t.deepEqual(
    second.results.map(({ name, state, metrics }) => [name, state, metrics]),
    [
      ['make', 'up to date', { length: 2 }],
      ['double', 'up to date', {}],
    ],
  );
  t.deepEqual(readdirSync(join(folder, 'runs/p')).sort(), [
    '.work',
    'config.yaml',
    'double',
    'make',
    'run.json',
  ]);
  t.deepEqual(readdirSync(join(folder, 'runs/p/.work')), []);
});

test('a plan says what is out of date and why', async (t) => {
  const folder = temporaryFolder(t);
  await run(folder, CHAIN);
  const changed = await plan(folder, 'seed: 4\nstages:\n  make: { word: ho }\n  double: { times: 3 }\n');
  t.deepEqual(
    changed.stages.map(({ state }) => state),
    ['out of date', 'out of date'],
  );
  t.deepEqual(changed.stages[0].reasons, ['word "hi" → "ho"', 'seed 0 → 4']);
  t.deepEqual(changed.stages[1].reasons, ['times 2 → 3', 'seed 0 → 4', 'input in from make changed']);
  t.deepEqual(
    (await plan(folder, CHAIN, { force: true })).stages.map(({ reasons }) => reasons),
    [['forced'], ['forced']],
  );
});

test('selections: from, until, only', async (t) => {
  const folder = temporaryFolder(t);
  const blocked = await errorOf(t, run(folder, CHAIN, { only: ['double'] }));
  t.is(blocked.code, 'CALM_INPUT_NOT_READY');
  t.deepEqual(
    (await run(folder, CHAIN, { until: 'make' })).results.map(({ name }) => name),
    ['make'],
  );
  t.deepEqual(
    (await run(folder, CHAIN, { from: 'double' })).results.map(({ name }) => name),
    ['double'],
  );
  t.is((await errorOf(t, plan(folder, CHAIN, { from: 'duble' }))).code, 'CALM_STAGE_NOT_IN_CONFIG');
});

test('what can’t be wired is refused before any work', async (t) => {
  const folder = temporaryFolder(t);
  const code = async (yaml: string) => (await errorOf(t, plan(folder, yaml))).code;
  t.is(await code('stages: { double: {} }'), 'CALM_INPUT_MISSING');
  t.is(await code('stages: { a: { uses: make }, b: { uses: make }, double: {} }'), 'CALM_INPUT_AMBIGUOUS');
  t.is(await code('stages: { make: {}, double: { inputs: { im: make } } }'), 'CALM_INPUT_UNKNOWN');
  t.is(await code('stages: { make: {}, double: { inputs: { more: make } } }'), 'CALM_INPUT_KIND');
  t.is(await code('stages: { make: {}, double: { inputs: { in: make.nothing } } }'), 'CALM_INPUT_KIND');
  t.is(await code('stages: { mak: {} }'), 'CALM_STAGE_UNKNOWN');
  t.is(await code('stages: { make: { wort: x } }'), 'CALM_CONFIG_UNKNOWN_KEY');
  t.is(await code('stages: { make: { word: 5 } }'), 'CALM_CONFIG_INVALID');
  const loop = await errorOf(
    t,
    plan(
      folder,
      'stages: { make: {}, a: { uses: double, inputs: { more: b } }, b: { uses: double, inputs: { more: ' +
        'a } } }',
    ),
  );
  t.is(loop.code, 'CALM_GRAPH_CYCLE');
  t.regex(loop.message, /a → b → a/);
  t.false(existsSync(join(folder, 'runs')));
});

test('a stage that fails leaves the old result, and no half one', async (t) => {
  const folder = temporaryFolder(t);
  const yaml = 'stages: { make: {}, fail: {} }';
  await t.throwsAsync(run(folder, yaml), { message: 'no more' });
  t.true(existsSync(join(folder, 'runs/p/make/manifest.json')));
  t.false(existsSync(join(folder, 'runs/p/fail')));
  t.false(existsSync(join(folder, 'runs/p/.lock')));
});

test('an input may be a folder of another run', async (t) => {
  const folder = temporaryFolder(t);
  await run(folder, CHAIN);
  await run(folder, 'name: other\nstages: { double: { inputs: { in: ./runs/p/make/out }, times: 3 } }');
  t.is(readFileSync(join(folder, 'runs/other/double/out/x'), 'utf8'), 'hihihi');
});

test('a manifest of another format version is refused', async (t) => {
  const folder = temporaryFolder(t);
  await run(folder, CHAIN);
  const file = join(folder, 'runs/p/make/manifest.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"formatVersion": 1', '"formatVersion": 7'));
  const error = await errorOf(t, plan(folder, CHAIN));
  t.is(error.code, 'CALM_ARTIFACT_VERSION');
  t.regex(error.hint ?? '', /--force/);
});

test('a result that a kill left between two renames is put into place', async (t) => {
  const folder = temporaryFolder(t);
  await run(folder, CHAIN);
  const [work, final] = [join(folder, 'runs/p/.work/make'), join(folder, 'runs/p/make')];
  renameSync(final, work);
  mkdirSync(join(folder, 'runs/p/.work/make.old'));
  const { results } = await run(folder, CHAIN);
  t.deepEqual(
    results.map(({ state }) => state),
    ['up to date', 'up to date'],
  );
  t.true(existsSync(join(final, 'manifest.json')));
  t.deepEqual(readdirSync(join(folder, 'runs/p/.work')), []);
});

test('names are registered once', (t) => {
  const stages = registry();
  const error = t.throws(() => stages.add(make, 'another package'));
  t.is((error as CalmError).code, 'CALM_STAGE_DUPLICATE');
  t.regex(error?.message ?? '', /test and another package/);
  t.throws(() => defineStage({ ...make, name: 'Bad Name' }));
  const reserved = defineStage({
    ...make,
    name: 'reserved',
    config: z.strictObject({ word: z.string(), inputs: z.string() }),
  });
  t.is((t.throws(() => stages.add(reserved, 'x')) as CalmError).code, 'CALM_STAGE_INVALID');
});

/** A kind whose readers and writers note when they are disposed of. */
const noting = (name: string, notes: string[], problem?: string) => {
  const made = (what: string) => ({
    [Symbol.dispose]: () => {
      notes.push(`${name}: ${what}`);
      if (problem) throw new Error(problem);
    },
  });
  return defineArtifact({
    name,
    formatVersion: 1,
    open: async (directory: string) => {
      if (!existsSync(join(directory, 'x'))) throw new Error('nothing to read');
      return made('reader');
    },
    create: async (directory: string) => {
      writeFileSync(join(directory, 'x'), 'x');
      return made('writer');
    },
  });
};

for (const ends of ['well', 'with an error'] as const) {
  test(`readers and writers are disposed of when a stage ends ${ends}`, async (t) => {
    const folder = temporaryFolder(t);
    const notes: string[] = [];
    const awaited = defineArtifact({
      name: 'awaited',
      formatVersion: 1,
      open: async () => 0,
      create: async () => ({
        [Symbol.dispose]: () => t.fail('the asynchronous one is called'),
        [Symbol.asyncDispose]: async () => {
          await new Promise(setImmediate);
          notes.push('awaited: writer');
        },
      }),
    });
    const first = noting('first', notes);
    const registry = new Registry();
    const shared = { summary: '.', config: z.strictObject({}) };
    registry.add(
      defineStage({ ...shared, name: 'begin', inputs: {}, outputs: { first }, run: async () => {} }),
      'test',
    );
    registry.add(
      defineStage({
        ...shared,
        name: 'end',
        inputs: { first },
        outputs: { awaited, second: noting('second', notes, 'not this one') },
        run: async () => {
          notes.push('runs');
          if (ends === 'with an error') throw new Error('this one');
        },
      }),
      'test',
    );
    const config = checkConfig(parseConfig(join(folder, 'p.yaml'), 'stages: { begin: {}, end: {} }'));
    const plan = await makePlan(config, registry);
    const error = await t.throwsAsync(
      runPlan(plan, {
        report: () => {},
        signal: new AbortController().signal,
        loadEngine: async () => ({ name: 'none', versions: {} }),
        version: '0',
      }),
    );
    t.deepEqual(notes, ['first: writer', 'runs', 'second: writer', 'awaited: writer', 'first: reader']);
    // A stage whose files can't be closed has failed; its own error comes first.
    t.is(error?.message, ends === 'well' ? 'not this one' : 'this one');
  });
}
