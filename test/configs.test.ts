import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import plugin from '#plugins';
import { buildGraph } from '../src/pipeline/graph.ts';
import {
  applyOverrides,
  checkConfig,
  fieldsOf,
  makePlan,
  parseConfig,
  Registry,
} from '../src/pipeline/index.ts';
import { ROOT } from './helpers/cli.ts';

import { readmeOf, withKeys } from './helpers/stage-readmes.ts';
import { temporaryFolder } from './helpers/temporary.ts';

const CONFIGS = ['', 'paper/'].flatMap((folder) =>
  readdirSync(join(ROOT, 'configs', folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => folder + name),
);
/** Their corpora are the user's own; planning would look for them. */
const WITHOUT_CORPUS = ['starter.yaml', 'paper/table-1.yaml'];

const registry = new Registry();
registry.addPlugin(plugin);

for (const name of CONFIGS) {
  test(`${name} says what it is and every key of it is known`, async (t) => {
    const file = join(ROOT, 'configs', name);
    const text = readFileSync(file, 'utf8');
    if (name !== 'starter.yaml')
      for (const heading of ['# What ', '# How ', '# Score ', '# Run '])
        t.true(text.includes(heading), heading);
    const document = applyOverrides(
      parseConfig(file, text),
      WITHOUT_CORPUS.includes(name) ? [`tokenize.corpus=${file}`, 'tokenize.tokenizer=bytes'] : [],
    );
    const plan = await makePlan(checkConfig(document), registry);
    t.true(plan.stages.every(({ state }) => state === 'out of date'));
  });
}

for (const name of ['start', 'sums'])
  test(`sums/${name}.yaml says what it is and every key of it is known`, async (t) => {
    const file = join(ROOT, 'configs/sums', `${name}.yaml`);
    const text = readFileSync(file, 'utf8');
    for (const heading of ['# What ', '# How ', '# Score ', '# Run '])
      t.true(text.includes(heading), heading);
    // Its sums and what it begins with are made first, so there is nothing to plan with.
    const nodes = await buildGraph(checkConfig(parseConfig(file, text)), registry);
    t.true(nodes.some(({ id }) => id === 'train-lm'));
  });

test('all sums of two-digit numbers are written once, and every twentieth is a question', (t) => {
  const folder = temporaryFolder(t);
  execFileSync(process.execPath, [join(ROOT, 'configs/sums/make.js'), folder]);
  const read = (file: string) =>
    readFileSync(join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { prompt: string; completion: string });
  const [train, questions] = [read('train.jsonl'), read('test.jsonl')];
  t.is(train.length, 9500);
  t.is(questions.length, 500);
  t.is(new Set([...train, ...questions].map(({ prompt }) => prompt)).size, 10_000);
  for (const { prompt, completion } of [...train, ...questions]) {
    const [, a, b] = /^(\d\d)\+(\d\d)=$/.exec(prompt) ?? [];
    t.is(completion, String(Number(a) + Number(b)).padStart(3, '0'));
  }
});

test('every field of every built-in stage is described', (t) => {
  for (const stage of plugin.stages)
    for (const [field, { description }] of Object.entries(fieldsOf(stage)))
      t.truthy(description, `${stage.name}.${field}`);
});

test('the stages’ READMEs list their keys as the schemas have them', (t) => {
  for (const stage of plugin.stages)
    t.is(readFileSync(readmeOf(stage.name), 'utf8'), withKeys(stage), `${stage.name}: npm run docs`);
});
