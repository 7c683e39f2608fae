import { autoencoderFolder, tokenShards } from 'calm-lm/artifacts';
import { RECONSTRUCTION } from 'calm-lm/evaluation/measures';
import { defineStage } from 'calm-lm/plugin';
import { optimizerEntry } from 'calm-lm/training/optimizers';
import { checkSplit } from '../checks/splits.ts';
import { continues, operationalFields } from '../training/fields.ts';
import { LOSS, STEP_LABELS } from '../training/labels.ts';
import { startDownloads, startSources } from '../training/start-files.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const estimation = () => import('./estimate.ts');

export default defineStage({
  name: 'train-autoencoder',
  summary: 'Trains the autoencoder that compresses K tokens into one vector and reconstructs them.',
  config,
  usesEngine: true,
  sharesWork: true,
  operational: operationalFields,
  parts: ({ optimizer }) => [optimizerEntry(optimizer.name)],
  continues,
  inputs: { tokens: tokenShards },
  outputs: { autoencoder: autoencoderFolder },
  downloads: startDownloads,
  sources: startSources(autoencoderFolder),
  labels: () => ({
    ...STEP_LABELS,
    loss: { ...LOSS, label: 'loss of the autoencoder' },
    crossEntropy: { label: 'cross-entropy, nats a token' },
    kl: { label: 'KL, nats a patch' },
    ...RECONSTRUCTION,
  }),
  check: async ({ patchSize }, { tokens }) => checkSplit(tokens, 'train', patchSize),
  estimate: async (given, inputs) => (await estimation()).estimate(given, inputs),
  run: async (context) => (await implementation()).run(context),
});
