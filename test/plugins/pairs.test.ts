/** Both models learn completions alone, packed and one document a row. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import type { TaskReport } from '../../plugins/evaluate/evaluation.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

/** Prompts that no model can guess, and completions that are all the same. */
const pairs = Array.from({ length: 120 }, (_, i) => {
  const prompt = String((i * 7919) % 10007).padStart(6, '0');
  return { prompt, completion: 'ab' };
});
const SIZES = { hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, numAttentionHeads: 2 };
const TRANSFORMER = { uses: 'train-lm', model: 'transformer', ...SIZES, learningRate: 0.02, logEvery: 30 };

const TASKS = {
  measures: ['tasks'],
  patchesPerSequence: 8,
  tasks: [
    { file: 'written.jsonl', numSamples: 3, maxTokens: 4 },
    { file: 'written.jsonl', name: 'as they are', normalize: 'none', limit: 3, maxTokens: 4, temperature: 1 },
    { file: 'choices.jsonl', choiceSamples: 20 },
  ],
};
const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

test('the loss of what is always the same falls to nothing, whatever its prompt is', async (t) => {
  t.timeout(120_000);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'pairs.jsonl'), lines(pairs));
  const corpus = [{ files: 'pairs.jsonl', promptField: 'prompt', completionField: 'completion' }];
  const lm = { ...TINY_STAGES['train-lm'], patchesPerSequence: 5, evaluateSequences: 8, sequencesPerStep: 8 };
  const transformer = {
    ...TRANSFORMER,
    steps: 120,
    warmupSteps: 0,
    sequencesPerStep: 8,
    evaluateSequences: 8,
  };
  const stages = {
    tokenize: { corpus, tokenizer: 'bytes', validationFraction: 0.2, alignTo: 2, chatTemplate: 'chat.jinja' },
    'train-autoencoder': TINY_STAGES['train-autoencoder'],
    'encode-corpus': {},
    'calm-packed': { uses: 'train-lm', ...lm },
    'calm-rows': { uses: 'train-lm', ...lm, packed: false },
    packed: { ...transformer, tokensPerSequence: 20 },
    rows: { ...transformer, tokensPerSequence: 12, packed: false },
    'asked-rows': { uses: 'evaluate', inputs: { model: 'rows' }, ...TASKS },
    'asked-calm': { uses: 'evaluate', inputs: { model: 'calm-rows' }, ...TASKS },
  };
  writeFileSync(
    join(folder, 'written.jsonl'),
    lines(Array.from({ length: 6 }, (_, i) => ({ prompt: `00000${i}`, completion: i < 4 ? 'ab' : 'AB' }))),
  );
  writeFileSync(
    join(folder, 'choices.jsonl'),
    lines([
      { prompt: '000001', choices: ['zz', 'ab', 'q'], answer: 'ab' },
      { prompt: '000002', choices: ['ab', 'abc'], answer: 1 },
    ]),
  );
  writeFileSync(join(folder, 'pairs.yaml'), stringify({ name: 'pairs', seed: 3, stages }));
  writeFileSync(join(folder, 'chat.jinja'), "{{ messages[0]['role'][0] }}{{ messages[0]['content'] }}");
  const { code, stderr } = await calm(['run', 'pairs.yaml'], folder);
  t.is(code, 0, stderr);
  const reportOf = (stage: string) =>
    JSON.parse(readFileSync(join(folder, 'runs/pairs', stage, 'evaluation/evaluation.json'), 'utf8')) as {
      tasks: TaskReport[];
    };
  const metricsOf = (stage: string) =>
    (
      JSON.parse(readFileSync(join(folder, 'runs/pairs', stage, 'manifest.json'), 'utf8')) as {
        metrics: never;
      }
    ).metrics as Record<string, number>;
  for (const stage of ['packed', 'rows']) {
    const { loss, validationLoss } = metricsOf(stage);
    // By chance a token of the prompt costs 2.3 nats.
    t.true(loss < 0.2 && validationLoss < 0.2, `${stage}: ${loss}, ${validationLoss}`);
  }
  // The Transformer writes `ab` behind any prompt.
  const { tasks } = reportOf('asked-rows');
  t.like(tasks[0], { task: 'written', questions: 6, samples: 3, majority: 1, passAt: { 1: 1, 3: 1 } });
  t.is(tasks[0].exactMatch, 1);
  t.deepEqual(tasks[0].interval, { exactMatch: [1, 1] });
  // Questions 1, 3 and 5 of it, in which case counts.
  t.is(tasks[1].exactMatch, 2 / 3);
  t.like(tasks[2], { task: 'choices', accuracy: 0.5, chance: (1 / 3 + 1 / 2) / 2 });
  const answers = readFileSync(join(folder, 'runs/pairs/asked-rows/evaluation/answers.jsonl'), 'utf8').trim();
  const kept = answers.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  t.is(kept.length, 6 + 3 + 2);
  t.like(kept[0], { task: 'written', question: 1, prompt: '000000', samples: ['ab', 'ab', 'ab'] });
  t.like(kept[6], { task: 'as they are', question: 1, isRight: [true] });
  t.like(kept[9], { task: 'choices', chosen: 1, right: 1 });
  // A CALM answers by sampling alone.
  const [written, , choices] = reportOf('asked-calm').tasks;
  t.like(written, { samples: 3, temperature: 0.5 });
  t.like(choices, { choiceSamples: 20 });
  for (const stage of ['calm-packed', 'calm-rows'])
    t.true(Number.isFinite(metricsOf(stage).validationLoss), stage);

  // The template makes a prompt of what a user says, in samples too.
  writeFileSync(join(folder, 'said.jsonl'), lines([{ messages: [{ role: 'user', content: '12345' }] }]));
  const flags = ['--variant', 'rows', '--num-samples', '1', '--json'];
  for (const prompt of [
    ['--chat', '--prompt', '12345'],
    ['--prompts', 'said.jsonl'],
  ]) {
    const sampled = await calm(['sample', 'runs/pairs', ...prompt, ...flags], folder);
    t.is(sampled.code, 0, sampled.stderr);
    t.regex(sampled.stdout, /"text":\s*"ab"/);
  }
  t.like(JSON.parse(readFileSync(join(folder, 'said.jsonl.samples.jsonl'), 'utf8')), {
    samples: [{ text: 'ab' }],
  });

  // Patches of both kinds, and heads that can't leave any out, are refused.
  const { 'calm-packed': packed, 'train-autoencoder': autoencoder, tokenize } = stages;
  const mixedStages = {
    tokenize: { ...tokenize, alignTo: 1 },
    'train-autoencoder': autoencoder,
    'calm-packed': packed,
  };
  writeFileSync(join(folder, 'refused.yaml'), stringify({ name: 'refused', stages: mixedStages }));
  const mixed = await calm(['run', 'refused.yaml'], folder);
  t.is(mixed.code, 1);
  t.regex(mixed.stderr, /multiples of 1 tokens, so patches of 2/);
  t.regex(mixed.stderr, /tokenize\.alignTo: 2/);
});
