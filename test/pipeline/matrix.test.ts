import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
import { defineArtifact, defineStage } from '../../src/plugin/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const text = (name: string) =>
  defineArtifact({
    name,
    formatVersion: 1,
    open: (directory: string) => readFile(join(directory, 'x'), 'utf8'),
    create: async (directory: string) => (value: string) => writeFile(join(directory, 'x'), value),
  });
const [raw, cooked] = [text('raw'), text('cooked')];
const runs: string[] = [];

const make = defineStage({
  name: 'make',
  summary: 'Writes a word.',
  config: z.strictObject({ word: z.string().default('a') }),
  inputs: {},
  outputs: { out: raw },
  run: async ({ config, outputs, seed }) => {
    runs.push(`make ${config.word}`);
    await outputs.out(`${config.word}${seed}`);
  },
});

const repeat = defineStage({
  name: 'repeat',
  summary: 'Says it again.',
  config: z.strictObject({ times: z.int().default(2), mark: z.string().default('') }),
  inputs: { in: raw },
  outputs: { out: cooked },
  run: async ({ config, inputs, outputs, report }) => {
    runs.push(`repeat ${config.times}`);
    await outputs.out(inputs.in.repeat(config.times) + config.mark);
    report.summary({ length: inputs.in.length * config.times });
  },
});

function planOf(folder: string, yaml: string, selection: Selection & { force?: boolean } = {}, name = 'p') {
  const registry = new Registry();
  registry.add(make, 'test');
  registry.add(repeat, 'test');
  return makePlan(checkConfig(parseConfig(join(folder, `${name}.yaml`), yaml)), registry, {
    ...selection,
  });
}

async function run(folder: string, yaml: string, name = 'p') {
  const events: PipelineEvent[] = [];
  const options = {
    report: (event: PipelineEvent) => events.push(event),
    signal: new AbortController().signal,
    loadEngine: async () => ({ name: 'none', versions: {} }),
    version: '0',
    command: 'calm run',
  };
  runs.length = 0;
  const results = await runPlan(await planOf(folder, yaml, {}, name), options);
  return { results, events, done: [...runs] };
}

const SWEEP = 'stages: { make: {}, repeat: {} }\nmatrix:\n  make.word: [a, b]\n  repeat.times: [1, 3]\n';
const contents = (folder: string, stage: string) =>
  readFileSync(join(folder, 'runs/p', stage, 'out/x'), 'utf8');

test.serial('every combination is run, and stages that are the same in several are run once', async (t) => {
  const folder = temporaryFolder(t);
  const { done } = await run(folder, SWEEP);
  t.deepEqual(done, ['make a', 'repeat 1', 'repeat 3', 'make b', 'repeat 1', 'repeat 3']);
  t.is(contents(folder, 'make@a'), 'a0');
  t.is(contents(folder, 'repeat@b-3'), 'b0b0b0');
  t.deepEqual((await run(folder, SWEEP)).done, []);
  t.deepEqual((await run(folder, SWEEP.replace('[1, 3]', '[1, 4]'))).done, ['repeat 4', 'repeat 4']);
});

test.serial(
  'only axes that matter to a stage are in its name; variants set several keys; null leaves a stage out',
  async (t) => {
    const folder = temporaryFolder(t);
    const plan = await planOf(
      folder,
      'stages: { make: {}, repeat: {} }\nmatrix:\n  kind:\n    much: { repeat.times: 9, repeat.mark: ' +
        '"!" }\n    none: { repeat: null }\n  seed: [0, 1]\n',
    );
    t.deepEqual(
      plan.stages.map(({ node }) => node.id),
      ['make@0', 'repeat@0', 'make@1', 'repeat@1'],
    );
    t.deepEqual(plan.stages[1].node.config, { times: 9, mark: '!' });
    t.deepEqual(
      plan.cells.map(({ ids }) => Object.values(ids)),
      [['make@0', 'repeat@0'], ['make@1', 'repeat@1'], ['make@0'], ['make@1']],
    );
  },
);

test.serial(
  'a stage of the configuration stands for all its variants, and one variant can be named',
  async (t) => {
    const folder = temporaryFolder(t);
    const selected = async (selection: Selection) =>
      (await planOf(folder, SWEEP, selection)).stages
        .filter(({ state }) => state !== 'left out')
        .map(({ node }) => node.id);
    t.deepEqual(await selected({ only: ['make'] }), ['make@a', 'make@b']);
    t.deepEqual(await selected({ until: 'repeat@b-1' }), ['make@b', 'repeat@b-1']);
    t.deepEqual(await selected({ from: 'make@a' }), ['make@a', 'repeat@a-1', 'repeat@a-3']);
  },
);

test.serial('a result of another run with the same fingerprint is taken, by hard link', async (t) => {
  const folder = temporaryFolder(t);
  await run(folder, 'stages: { make: { word: x }, repeat: {} }\n', 'first');
  const { done, events, results } = await run(
    folder,
    'stages: { make: { word: x }, repeat: { times: 5 } }\n',
  );
  t.deepEqual(done, ['repeat 5']);
  t.is(results[0].state, 'up to date');
  const taken = events.find((event) => event.type === 'stage-skipped') as { from?: string };
  t.true(taken.from?.endsWith(join('first', 'make')));
  t.is(contents(folder, 'repeat'), 'x0'.repeat(5));
  t.is(statSync(join(folder, 'runs/p/make/out/x')).ino, statSync(join(folder, 'runs/first/make/out/x')).ino);
  const forced = await planOf(folder, 'stages: { make: { word: x } }\n', { force: true }, 'second');
  t.is(forced.stages[0].state, 'out of date');
  t.false(existsSync(join(folder, 'runs/second')));
});

test(
  'a configuration extends another: records are merged, lists and the matrix replaced, errors name ' +
    'the file that holds the key',
  (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'base'));
    writeFileSync(
      join(folder, 'base/b.yaml'),
      'seed: 4\nstages:\n  make: { word: b }\n  repeat: { times: 3 }\nmatrix: { make.word: [q, r] }\n',
    );
    const read = (yaml: string) => checkConfig(parseConfig(join(folder, 'own.yaml'), yaml));
    const config = read(
      'extends: base/b.yaml\nstages: { repeat: { mark: "!" } }\nmatrix: { repeat.times: [1, 2, 3] }\n',
    );
    t.is(config.seed, 4);
    t.is(config.name, 'own');
    t.deepEqual(config.stages.repeat.fields, { times: 3, mark: '!' });
    t.deepEqual(Object.keys(config.matrix ?? {}), ['repeat.times']);
    t.is(config.locate(['stages', 'make', 'word']).file, join(folder, 'base/b.yaml'));
    t.is(config.locate(['stages', 'repeat', 'mark']).file, join(folder, 'own.yaml'));
    const codeOf = (yaml: string) => (t.throws(() => read(yaml)) as CalmError).message;
    t.regex(codeOf('extends: nowhere.yaml\n'), /there is no file/);
    writeFileSync(join(folder, 'own.yaml'), 'extends: own.yaml\n');
    t.regex(codeOf('extends: own.yaml\n'), /extends itself/);
  },
);

test('mistakes in a matrix are errors with the place and the way out', async (t: ExecutionContext) => {
  const folder = temporaryFolder(t);
  const errorOf = async (matrix: string) => {
    const error = await t.throwsAsync(async () =>
      planOf(folder, `stages: { make: {}, repeat: {} }\nmatrix: ${matrix}\n`),
    );
    t.true(error instanceof CalmError, String(error?.stack));
    return error as CalmError;
  };
  const unknown = await errorOf('{ repaet.times: [1] }');
  t.is(unknown.code, 'CALM_MATRIX_PATH');
  t.is(unknown.location?.line, 2);
  t.regex(unknown.hint ?? '', /Did you mean "repeat"/);
  t.is((await errorOf('{ repeat.times: [1, 1] }')).code, 'CALM_MATRIX_DUPLICATE');
  t.is((await errorOf('{ repeat.tims: [1] }')).code, 'CALM_CONFIG_UNKNOWN_KEY');
  t.is((await errorOf('{ repeat.times: [] }')).code, 'CALM_CONFIG_INVALID');
});
