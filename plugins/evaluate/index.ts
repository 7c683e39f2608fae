import { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { defineStage, optional } from 'calm-lm/plugin';
import { evaluation } from '../shared/evaluations.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'evaluate',
  summary: 'Judges a run on held-out documents: reconstruction, BrierLM with its factors, the energy loss.',
  config,
  usesEngine: true,
  // A run without a language model is judged by its autoencoder alone.
  inputs: { tokens: tokenShards, autoencoder: autoencoderFolder, model: optional(languageModelFolder) },
  outputs: { evaluation },
  run: async (context) => (await implementation()).run(context),
});
