/** What evaluations say of their input and of results that will not do. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { tokenShards } from 'calm-lm/artifacts';
import { DocumentPatches } from 'calm-lm/data';
import {
  heldOutPatches,
  heldOutSequences,
  LEAST_TOKEN_ACCURACY,
  warnOfLoss,
  warnOfReconstruction,
} from 'calm-lm/evaluation';
import { stringify } from 'yaml';
import { config as evaluateConfig } from '../../plugins/evaluate/config.ts';
import { pauseFor } from '../../src/pipeline/stage-work.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

function listening(controller = new AbortController()) {
  const said: string[] = [];
  const say = (text: string) => {
    said.push(text);
  };
  return { said, report: { note: say, warn: say }, pause: pauseFor(controller.signal) };
}

/** A validation split of so many tokens, in one document. */
async function tokensOf(folder: string, numTokens: number) {
  mkdirSync(folder);
  const writer = await tokenShards.create(folder);
  await writer.begin({ vocabSize: 300, endOfTextId: 298, padId: 299 }, {});
  if (numTokens > 0) {
    writer.append(
      'validation',
      Array.from({ length: numTokens }, (_, i) => i % 200),
      numTokens,
    );
    writer.endDocument('validation', false);
  }
  await writer.finish();
  return tokenShards.open(folder);
}

test('fewer sequences or patches than asked for: all are used, and that is said', async (t) => {
  const tokens = await tokensOf(join(temporaryFolder(t), 'tokens'), 100);
  const size = { patchSize: 2, patchesPerSequence: 7 };
  for (const [count, used, isSaid] of [
    [10, 7, true],
    [7, 7, false],
    [3, 3, false],
    [Number.POSITIVE_INFINITY, 7, false],
  ] as const) {
    const { said, ...context } = listening();
    const { sequences } = await heldOutSequences(tokens, size, { key: 'numSequences', count }, context);
    t.is(sequences.length, used);
    t.deepEqual(
      said,
      isSaid ? ['numSequences asks for 10 held-out sequences, and there are 7: all of them are used'] : [],
    );
  }
  const { said, ...context } = listening();
  const patches = new DocumentPatches(tokens.split('validation'), 2, 299);
  const ids = await heldOutPatches(patches, { key: 'numPatches', count: 600 }, context);
  t.deepEqual(ids, patches.readMany(Array.from({ length: 50 }, (_, i) => i)));
  t.deepEqual(said, ['numPatches asks for 600 held-out patches, and there are 50: all of them are used']);
  tokens.close();
});

test(
  'more patches than are read at once come as if they were read one by one; a signal ends the ' + 'reading',
  async (t) => {
    const tokens = await tokensOf(join(temporaryFolder(t), 'tokens'), 2000);
    const patches = new DocumentPatches(tokens.split('validation'), 2, 299);
    const wanted = { key: 'numPatches', count: 700 };
    const ids = await heldOutPatches(patches, wanted, listening());
    t.deepEqual(ids, patches.readMany(Array.from({ length: 700 }, (_, i) => Math.floor((i * 1000) / 700))));
    const stopped = new AbortController();
    stopped.abort();
    await t.throwsAsync(heldOutPatches(patches, wanted, listening(stopped)), { name: 'AbortError' });
    const size = { patchSize: 2, patchesPerSequence: 7 };
    await t.throwsAsync(heldOutSequences(tokens, size, wanted, listening(stopped)), { name: 'AbortError' });
    tokens.close();
  },
);

test('a validation split without one whole sequence is a clear error', async (t) => {
  const folder = temporaryFolder(t);
  for (const numTokens of [0, 13]) {
    const tokens = await tokensOf(join(folder, String(numTokens)), numTokens);
    const size = { patchSize: 2, patchesPerSequence: 7 };
    const error = await t.throwsAsync(
      heldOutSequences(tokens, size, { key: 'numSequences', count: 4 }, listening()),
    );
    t.is((error as { code?: string }).code, 'CALM_TOO_FEW_TOKENS');
    t.regex(error?.message ?? '', new RegExp(`validation split has ${numTokens} tokens, and 14 are needed`));
  }
});

test('results that will not do are warned of, others are not', (t) => {
  const { said, report } = listening();
  for (const accuracy of [undefined, 1, LEAST_TOKEN_ACCURACY]) warnOfReconstruction(report, accuracy);
  warnOfLoss(report, { loss: 3, validationLoss: 4, validationBrierLM: Number.NaN });
  t.deepEqual(said, []);
  warnOfReconstruction(report, 0.932);
  warnOfReconstruction(report, 0.98999);
  warnOfReconstruction(report, Number.NaN);
  warnOfLoss(report, { loss: 3, validationLoss: Number.NaN });
  warnOfLoss(report, { validationLoss: Number.POSITIVE_INFINITY });
  const expected = [
    /accuracy is 93\.2 %.*can be no better/,
    /accuracy is 98\.9 %/,
    /accuracy is no number/,
    /validationLoss is NaN/,
    /validationLoss is Infinity/,
  ];
  t.is(said.length, expected.length);
  for (const [i, pattern] of expected.entries()) t.regex(said[i], pattern);
});

test('a sequence has one length, and a window behind its context', async (t) => {
  const check = async (given: object) => {
    const found = await evaluateConfig['~standard'].validate(given);
    return found.issues?.map(({ path, message }) => `${path}: ${message}`).join() ?? 'fine';
  };
  for (const key of ['tokensPerSequence', 'patchesPerSequence']) {
    t.is(await check({ contextTokens: 60, [key]: 64 }), 'fine');
    t.regex(await check({ contextTokens: 61, [key]: 64 }), /contextTokens: must be at most 60/);
  }
  t.is(await check({ contextTokens: 61 }), 'fine');
  t.regex(await check({ tokensPerSequence: 5 }), /tokensPerSequence/);
  t.regex(
    await check({ tokensPerSequence: 64, patchesPerSequence: 64 }),
    /tokensPerSequence: must be absent/,
  );
});

test('a tiny run says what its results are worth, and how much was measured', async (t) => {
  const folder = temporaryFolder(t);
  const few = { steps: 2, warmupSteps: 1 };
  const changes = {
    tokenize: { validationFraction: 0.1 },
    'train-autoencoder': { ...few, evaluatePatches: 100_000 },
    'train-lm': { ...few, evaluateSequences: 1000 },
    evaluate: {
      numSequences: 1000,
      numPatches: 100_000,
      windowsPerSequence: 1000,
      measures: ['reconstruction', 'energy', 'temperature'],
      temperatures: [0.5],
    },
  };
  const config = writeTinyProject(folder, changes, { engine: 'onnx' });
  const { code, stdout, stderr } = await calm(['run', config], folder);
  t.is(code, 0, stderr);
  t.regex(stderr, /⚠ train-autoencoder: reconstruction accuracy is \d+\.\d %/);
  t.regex(stdout, /✖ reconstruction accuracy ↑ +\d+\.\d\d % +paper 99\.90 %\n/);
  t.regex(
    stdout,
    /✖ energy loss ↓ +\S+ +context-free \S+\n {2}→ reconstruction accuracy: train the autoencoder/,
  );
  for (const [stage, key] of [
    ['train-autoencoder', 'evaluatePatches'],
    ['train-lm', 'evaluateSequences'],
    ['evaluate', 'numSequences'],
    ['evaluate', 'numPatches'],
    ['evaluate', 'windowsPerSequence'],
  ])
    t.regex(stderr, new RegExp(`${stage}: ${key} asks for \\d+ .* and there are \\d+: all of them`));

  // A text that is only evaluated has no training split to compare with.
  const tokenize = { corpus: 'texts/*.txt', tokenizer: 'bytes', validationFraction: 1 };
  const inputs = {
    autoencoder: './runs/tiny/train-autoencoder/autoencoder',
    model: './runs/tiny/train-lm/model',
  };
  const sizes = { numSequences: 4, patchesPerSequence: 16, numPatches: 64 };
  const judged = join(folder, 'judged.yaml');
  writeFileSync(judged, stringify({ name: 'judged', stages: { tokenize, evaluate: { inputs, ...sizes } } }));
  const refused = await calm(['run', judged], folder);
  t.is(refused.code, 1);
  t.regex(
    refused.stderr,
    /CALM_TOO_FEW_TOKENS[\s\S]*energy and baselines[\s\S]*→ Leave them out of `measures`/,
  );
  const measured = await calm(['run', judged, '--set', 'evaluate.measures=[reconstruction,brierlm]'], folder);
  t.is(measured.code, 0, measured.stderr);
});
