/** A run so small that it takes seconds, on text that the tests bring along. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

const WORDS =
  'the people of this nation have met and will keep peace with all who want it and trade in good faith'.split(
    ' ',
  );

/** Sentences of a few words, the same every time. */
export function tinyText(seed: number, sentences = 60): string {
  let state = seed + 1;
  const next = (bound: number) => {
    state = (state * 48271) % 2147483647;
    return state % bound;
  };
  const sentence = () => `${Array.from({ length: 4 + next(5) }, () => WORDS[next(WORDS.length)]).join(' ')}.`;
  return Array.from({ length: sentences }, sentence).join(' ');
}

export const TINY_STAGES = {
  tokenize: { corpus: 'texts/*.txt', tokenizer: 'bytes', validationFraction: 0.2 },
  'train-autoencoder': {
    patchSize: 2,
    latentSize: 6,
    hiddenSize: 16,
    intermediateSize: 24,
    steps: 30,
    warmupSteps: 3,
    learningRate: 0.005,
    patchesPerStep: 64,
    evaluatePatches: 64,
    logEvery: 4,
    checkpointEvery: 7,
    evaluateEvery: 15,
  },
  'encode-corpus': { precision: 'f32' },
  'train-lm': {
    hiddenSize: 16,
    intermediateSize: 24,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
    head: { name: 'energy', numMlpLayers: 1, noiseSize: 4, numSamples: 3, numTargetSamples: 4 },
    patchesPerSequence: 16,
    sequencesPerStep: 2,
    steps: 30,
    warmupSteps: 3,
    learningRate: 0.005,
    logEvery: 4,
    checkpointEvery: 7,
    evaluateEvery: 15,
    evaluateSequences: 2,
  },
  evaluate: {
    numSequences: 4,
    patchesPerSequence: 16,
    numPatches: 64,
    wordTexts: 2,
    wordTokens: 8,
  },
  sample: { prompt: 'the ', temperature: 0.5, numCandidates: 8, maxTokens: 12, numSamples: 2 },
};

export type StageOverrides = Partial<Record<keyof typeof TINY_STAGES, Record<string, unknown>>>;

/** Writes texts and tiny.yaml into a folder; returns the configuration's path. */
export function writeTinyProject(
  folder: string,
  changes: StageOverrides = {},
  top: Record<string, unknown> = {},
): string {
  mkdirSync(join(folder, 'texts'), { recursive: true });
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'texts', `${i}.txt`), tinyText(i));
  const stages = Object.fromEntries(
    Object.entries(TINY_STAGES).map(([id, fields]) => [
      id,
      { ...fields, ...changes[id as keyof StageOverrides] },
    ]),
  );
  const file = join(folder, 'tiny.yaml');
  writeFileSync(file, stringify({ name: 'tiny', seed: 3, ...top, stages }));
  return file;
}
