import { autoencoderFolder, latentShards, tokenShards } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'encode-corpus',
  summary: 'Runs the frozen encoder over the corpus once and keeps mean and logStd of every patch.',
  version: 2,
  config,
  drawsNothing: true,
  usesEngine: true,
  sharesWork: true,
  keepsOutputs: true,
  inputs: { tokens: tokenShards, autoencoder: autoencoderFolder },
  outputs: { latents: latentShards },
  labels: () => ({
    patches: { label: 'patches' },
    bitsPerPatch: { label: 'bits a stored patch' },
    exactAccuracy: { label: 'tokens given back from exact latents', better: 'higher', isShare: true },
    storedAccuracy: { label: 'tokens given back from stored latents', better: 'higher', isShare: true },
  }),
  run: async (context) => (await implementation()).run(context),
});
