import { autoencoderBeside, languageModelFolder } from 'calm-lm/artifacts';
import { headEntries } from 'calm-lm/models/config';
import { defineStage } from 'calm-lm/plugin';
import { modelDownloads, modelSources, tokenizerSources } from '../importing/sources.ts';
import { config } from './config.ts';

/** Of the autoencoder that is named, or that the model's folder holds or names; a Llama has none. */
async function autoencoderSources(model: string, named: string | undefined) {
  const directory = named ?? (await autoencoderBeside(model).catch(() => undefined));
  return directory === undefined ? [] : modelSources(directory);
}

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'import-lm',
  summary: 'Takes over a CALM of the reference or a Llama of Hugging Face, checked, its weights as they are.',
  config,
  drawsNothing: true,
  // The folders are sources: what their files hold counts, not where they lie.
  operational: ['path', 'autoencoder', 'tokenizer'],
  // Every head is asked whose the weights are.
  parts: () => headEntries(),
  imports: ['path', 'autoencoder'],
  inputs: {},
  outputs: { model: languageModelFolder },
  downloads: ({ path, autoencoder, tokenizer }) => modelDownloads({ models: [path, autoencoder], tokenizer }),
  sources: async ({ path, autoencoder, tokenizer }, resolvePath) => [
    ...(await modelSources(resolvePath(path))),
    ...(await autoencoderSources(resolvePath(path), autoencoder && resolvePath(autoencoder))),
    ...(await tokenizerSources(resolvePath(tokenizer ?? path))),
  ],
  run: async (context) => (await implementation()).run(context),
});
