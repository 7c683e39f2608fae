import { autoencoderFolder, languageModelFolder, latentShards, tokenShards } from 'calm-lm/artifacts';
import { defineStage, optional } from 'calm-lm/plugin';
import { checkSplit, patchSizeOf } from '../shared/check-splits.ts';
import { withMoved } from '../shared/moved-fields.ts';
import { continues, operationalFields } from '../shared/training-fields.ts';
import { config, MOVED } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const checking = () => import('calm-lm/models/config');
const estimation = () => import('./estimate.ts');

export default defineStage({
  name: 'train-lm',
  summary:
    'Trains the language model that predicts the next vector, and its generative head: energy, diffusion, flow or another.',
  config: withMoved(config, MOVED),
  usesEngine: true,
  operational: operationalFields,
  continues,
  // Without latents the frozen encoder runs beside the training.
  inputs: { tokens: tokenShards, autoencoder: autoencoderFolder, latents: optional(latentShards) },
  outputs: { model: languageModelFolder },
  check: async (given, { tokens, autoencoder }) => {
    const patchSize = patchSizeOf(autoencoder);
    checkSplit(tokens, 'train', patchSize && patchSize * given.patchesPerSequence);
    await (await checking()).loadHead(given.head.name);
  },
  estimate: async (given, inputs) => (await estimation()).estimate(given, inputs),
  run: async (context) => (await implementation()).run(context),
});
