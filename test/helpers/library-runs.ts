/** Runs of both models, for tests of what programs do with them. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { calm } from './cli.ts';
import { type StageOverrides, TINY_STAGES, writeTinyProject } from './tiny.ts';

/** An autoencoder that gives every token of these texts back, and a language model of a few steps. */
const OF_CALM: StageOverrides = {
  'train-autoencoder': {
    variant: 'plain',
    hiddenSize: 32,
    intermediateSize: 48,
    latentSize: 16,
    steps: 300,
    patchesPerStep: 256,
    learningRate: 0.01,
    checkpointEvery: 100,
  },
  'train-lm': { steps: 40, checkpointEvery: 10 },
};

const TRANSFORMER = {
  name: 'transformer',
  seed: 4,
  stages: {
    tokenize: TINY_STAGES.tokenize,
    'train-lm': {
      model: 'transformer',
      hiddenSize: 16,
      intermediateSize: 24,
      numHiddenLayers: 1,
      numAttentionHeads: 2,
      tokensPerSequence: 32,
      sequencesPerStep: 4,
      steps: 40,
      warmupSteps: 5,
      learningRate: 0.01,
    },
  },
};

export interface LibraryRuns {
  readonly folder: string;
  readonly calm: string;
  readonly transformer: string;
  /** The texts of the corpus, in the order of their names. */
  readonly texts: readonly string[];
}

/** Makes `runs/quickstart`, a CALM, and `runs/transformer` in a folder. */
export async function makeLibraryRuns(folder: string): Promise<LibraryRuns> {
  const config = writeTinyProject(folder, OF_CALM, { name: 'quickstart' });
  await run(folder, config);
  writeFileSync(join(folder, 'transformer.yaml'), stringify(TRANSFORMER));
  await run(folder, 'transformer.yaml');
  const texts = join(folder, 'texts');
  return {
    folder,
    calm: join(folder, 'runs/quickstart'),
    transformer: join(folder, 'runs/transformer'),
    texts: readdirSync(texts)
      .sort()
      .map((name) => readFileSync(join(texts, name), 'utf8')),
  };
}

async function run(folder: string, config: string): Promise<void> {
  const { code, stderr } = await calm(['run', config], folder);
  if (code !== 0) throw new Error(stderr);
}
