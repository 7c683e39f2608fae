import { autoencoderFolder, languageModelFolder, latentShards, tokenShards } from 'calm-lm/artifacts';
import { headEntry } from 'calm-lm/models/config';
import { defineStage, optional } from 'calm-lm/plugin';
import { optimizerEntry } from 'calm-lm/training/optimizers';
import { checkAligned, checkSplit, patchSizeOf } from '../checks/splits.ts';
import { continues, operationalFields } from '../training/fields.ts';
import { startDownloads, startSources } from '../training/start-files.ts';
import { config } from './config.ts';
import { allLabels, labelsOf } from './labels.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const checking = () => import('calm-lm/models/config');
const estimation = () => import('./estimate.ts');

export default defineStage({
  name: 'train-lm',
  summary: 'Trains a language model: a CALM with any head, or a discrete Transformer.',
  config,
  usesEngine: true,
  sharesWork: true,
  operational: (given) => [...operationalFields(given), 'sampleEvery', 'samplePrompt'],
  parts: (given) => [
    optimizerEntry(given.optimizer.name),
    ...(given.model === 'transformer' ? [] : [headEntry(given.head.name)]),
  ],
  continues,
  // Without latents the frozen encoder runs beside the training.
  inputs: { tokens: tokenShards, autoencoder: autoencoderFolder, latents: optional(latentShards) },
  inputsFor: ({ model }) => (model === 'transformer' ? ['tokens'] : ['tokens', 'autoencoder', 'latents']),
  outputs: { model: languageModelFolder },
  downloads: startDownloads,
  sources: startSources(languageModelFolder),
  check: async (given, { tokens, autoencoder }) => {
    const isPacked = given.packed !== false;
    if (given.model === 'transformer')
      return checkSplit(tokens, 'train', isPacked ? given.tokensPerSequence : 1);
    const patchSize = patchSizeOf(autoencoder);
    checkAligned(tokens, patchSize);
    checkSplit(tokens, 'train', isPacked ? patchSize && patchSize * given.patchesPerSequence : 1);
    await (await checking()).loadHead(given.head.name);
  },
  labels: (given) => (given ? labelsOf(given) : allLabels()),
  estimate: async (given, inputs) => (await estimation()).estimate(given, inputs),
  run: async (context) => (await implementation()).run(context),
});
