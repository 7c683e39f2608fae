import { autoencoderFolder, languageModelFolder } from 'calm-lm/artifacts';
import { defineStage, optional } from 'calm-lm/plugin';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'export',
  summary: 'Writes model and autoencoder as Hugging Face folders that the Python reference loads.',
  config,
  inputs: { model: optional(languageModelFolder), autoencoder: optional(autoencoderFolder) },
  outputs: {},
  isInteractive: true,
  writesForOthers: true,
  run: async (context) => (await implementation()).run(context),
});
