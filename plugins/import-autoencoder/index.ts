import { autoencoderFolder } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { modelDownloads, modelSources, tokenizerSources } from '../importing/sources.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'import-autoencoder',
  summary: 'Takes over an autoencoder of the reference, checked, its weights as they are.',
  config,
  drawsNothing: true,
  // The folders are sources: what their files hold counts, not where they lie.
  operational: ['path', 'tokenizer'],
  imports: ['path'],
  inputs: {},
  outputs: { autoencoder: autoencoderFolder },
  downloads: ({ path, tokenizer }) => modelDownloads({ models: [path], tokenizer }),
  sources: async ({ path, tokenizer }, resolvePath) => [
    ...(await modelSources(resolvePath(path))),
    ...(await tokenizerSources(resolvePath(tokenizer ?? path))),
  ],
  run: async (context) => (await implementation()).run(context),
});
