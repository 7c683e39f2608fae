/** A CALM ready to use: the language model and the frozen autoencoder that reads and writes its patches. */

import type { ModelFolder, Weights } from '../artifacts/index.ts';
import { disposeTree, type TensorMap } from '../engine/index.ts';
import { modelMismatch } from '../errors.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import { CALM_DEFAULTS, type CalmConfig } from './calm/config.ts';
import type { Head } from './calm/heads/head.ts';
import { loadHead } from './calm/heads/registry.ts';
import { configure } from './config.ts';
import { loadParameters } from './parameters.ts';

export interface Autoencoder {
  readonly config: AutoencoderConfig;
  readonly parameters: TensorMap;
}

export interface LanguageModel {
  readonly config: CalmConfig;
  readonly head: Head;
  readonly parameters: TensorMap;
  readonly autoencoder: Autoencoder;
}

/** The prefix under which a language model's weights hold the frozen autoencoder, as in the reference. */
export const AUTOENCODER_PREFIX = 'ae_model.';

export async function loadAutoencoder(folder: ModelFolder): Promise<Autoencoder> {
  const config = await folder.readConfig<AutoencoderConfig>();
  return readingWeights(folder, (weights) => ({ config, parameters: loadParameters(autoencoderTable(config), weights, weights.file) }));
}

export async function loadLanguageModel(folder: ModelFolder): Promise<LanguageModel> {
  const stated = await folder.readConfig<Partial<CalmConfig>>();
  const config = configure(CALM_DEFAULTS, stated);
  const head = await loadHead(config.modelType);
  const autoencoderConfig = await folder.readConfig<AutoencoderConfig>('ae_config');
  checkFits(config, autoencoderConfig);
  return readingWeights(folder, (weights) => ({
    config,
    head,
    parameters: loadParameters(calmTable(config, head), weights, weights.file),
    autoencoder: {
      config: autoencoderConfig,
      parameters: loadParameters(autoencoderTable(autoencoderConfig), weights, weights.file, AUTOENCODER_PREFIX),
    },
  }));
}

/** Opens a folder's weights for as long as they are read. */
export async function readingWeights<T>(folder: ModelFolder, read: (weights: Weights) => T): Promise<T> {
  const weights = await folder.openWeights();
  try {
    return read(weights);
  } finally {
    weights.close();
  }
}

/** A language model and an autoencoder must agree on what a patch and a latent are. */
export function checkFits(config: Pick<CalmConfig, 'patchSize' | 'latentSize'>, autoencoder: AutoencoderConfig): void {
  if (config.patchSize !== autoencoder.patchSize)
    throw modelMismatch('patchSize of the language model and its autoencoder', autoencoder.patchSize, config.patchSize);
  if (config.latentSize !== autoencoder.latentSize)
    throw modelMismatch('latentSize of the language model and its autoencoder', autoencoder.latentSize, config.latentSize);
}

export function disposeLanguageModel(model: LanguageModel): void {
  disposeTree({ language: model.parameters, autoencoder: model.autoencoder.parameters });
}
