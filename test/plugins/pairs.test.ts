/** Both models learn completions alone, packed and one document a row. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
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

test('the loss of what is always the same falls to nothing, whatever its prompt is', async (t) => {
  t.timeout(120_000);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'pairs.jsonl'), pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''));
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
    tokenize: { corpus, tokenizer: 'bytes', validationFraction: 0.2, alignTo: 2 },
    'train-autoencoder': TINY_STAGES['train-autoencoder'],
    'encode-corpus': {},
    'calm-packed': { uses: 'train-lm', ...lm },
    'calm-rows': { uses: 'train-lm', ...lm, packed: false },
    packed: { ...transformer, tokensPerSequence: 20 },
    rows: { ...transformer, tokensPerSequence: 12, packed: false },
  };
  writeFileSync(join(folder, 'pairs.yaml'), stringify({ name: 'pairs', seed: 3, stages }));
  const { code, stderr } = await calm(['run', 'pairs.yaml'], folder);
  t.is(code, 0, stderr);
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
  for (const stage of ['calm-packed', 'calm-rows'])
    t.true(Number.isFinite(metricsOf(stage).validationLoss), stage);

  // Patches of both kinds, and heads that can't leave any out, are refused.
  const refused = { tokenize: { ...stages.tokenize, alignTo: 1 } };
  writeFileSync(
    join(folder, 'refused.yaml'),
    stringify({
      name: 'refused',
      seed: 3,
      stages: { ...stages, ...refused, packed: undefined, rows: undefined },
    }),
  );
  const mixed = await calm(['run', 'refused.yaml'], folder);
  t.is(mixed.code, 1);
  t.regex(mixed.stderr, /multiples of 1 tokens, so patches of 2/);
  t.regex(mixed.stderr, /tokenize\.alignTo: 2/);
});
