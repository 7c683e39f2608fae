import { autoencoderFolder, languageModelFolder } from 'calm-lm/artifacts';
import { defineStage, optional } from 'calm-lm/plugin';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'export',
  summary: 'Writes a model as Hugging Face folders that transformers and the Python reference load.',
  config,
  inputs: { model: optional(languageModelFolder), autoencoder: optional(autoencoderFolder) },
  outputs: {},
  isInteractive: true,
  writesForOthers: true,
  run: async (context) => (await implementation()).run(context),
});
