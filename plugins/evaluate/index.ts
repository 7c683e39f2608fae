import { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { defineStage, optional } from 'calm-lm/plugin';
import { checkSplit, patchSizeOf } from '../shared/check-splits.ts';
import { tokensAtOnce } from '../shared/evaluation-fields.ts';
import { evaluation } from '../shared/evaluations.ts';
import { checkHeadSampling, MOVED } from '../shared/head-sampling.ts';
import { withMoved } from '../shared/moved-fields.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'evaluate',
  summary: 'Judges a run on held-out documents: reconstruction, BrierLM with its factors, the energy loss.',
  config: withMoved(config, MOVED),
  usesEngine: true,
  // A run without a language model is evaluated by its autoencoder alone; a model has its own autoencoder inside.
  inputs: {
    tokens: tokenShards,
    autoencoder: optional(autoencoderFolder),
    model: optional(languageModelFolder),
  },
  outputs: { evaluation },
  check: async (given, { tokens, autoencoder, model }) => {
    checkHeadSampling(given.headSampling, model);
    const patchSize = patchSizeOf(autoencoder);
    checkSplit(tokens, 'validation', model ? patchSize && tokensAtOnce(given, patchSize) : patchSize);
  },
  run: async (context) => (await implementation()).run(context),
});
