/** A CALM ready to use: the language model and the frozen autoencoder that reads and writes its patches. */

import { join } from 'node:path';
import { type ModelFolder, openWeights, type Weights } from '../artifacts/index.ts';
import { disposeTree, type TensorMap } from '../engine/index.ts';
import { modelMismatch } from '../errors.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import { CALM_DEFAULTS, type CalmConfig } from './calm/config.ts';
import type { Head } from './calm/heads/head.ts';
import { loadHead } from './calm/heads/registry.ts';
import { checkedConfig } from './config.ts';
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

/** The folder inside a language model's that holds the frozen autoencoder's weights where the model's own do not. */
export const AUTOENCODER_FOLDER = 'autoencoder';

export function hasAutoencoder(weights: Pick<Weights, 'has'>): boolean {
  return weights.has(`${AUTOENCODER_PREFIX}encoder.squeeze_layer.weight`);
}

export async function loadAutoencoder(folder: ModelFolder): Promise<Autoencoder> {
  const config = await folder.readConfig((file, stated) => checkedConfig(file, AUTOENCODER_DEFAULTS, stated));
  return readingWeights(folder.directory, (weights) => ({
    config,
    parameters: loadParameters(autoencoderTable(config), weights, weights.file),
  }));
}

export async function loadLanguageModel(folder: ModelFolder): Promise<LanguageModel> {
  const config = await folder.readConfig((file, stated) => checkedConfig(file, CALM_DEFAULTS, stated));
  const head = await loadHead(config.modelType);
  const autoencoderConfig = await folder.readConfig(
    (file, stated) => checkedConfig(file, AUTOENCODER_DEFAULTS, stated),
    'ae_config',
  );
  checkFits(config, autoencoderConfig);
  const table = autoencoderTable(autoencoderConfig);
  const own = await readingWeights(folder.directory, (weights) => ({
    parameters: loadParameters(calmTable(config, head), weights, weights.file),
    frozen: hasAutoencoder(weights)
      ? loadParameters(table, weights, weights.file, AUTOENCODER_PREFIX)
      : undefined,
  }));
  const frozen =
    own.frozen ??
    (await readingWeights(join(folder.directory, AUTOENCODER_FOLDER), (weights) =>
      loadParameters(table, weights, weights.file),
    ));
  return {
    config,
    head,
    parameters: own.parameters,
    autoencoder: { config: autoencoderConfig, parameters: frozen },
  };
}

/** Opens a folder's weights for as long as they are read. */
export async function readingWeights<T>(
  directory: string,
  read: (weights: Weights) => T | Promise<T>,
): Promise<T> {
  const weights = await openWeights(directory);
  try {
    return await read(weights);
  } finally {
    weights.close();
  }
}

/** A language model and an autoencoder must agree on what a patch and a latent are. */
export function checkFits(
  config: Pick<CalmConfig, 'patchSize' | 'latentSize'>,
  autoencoder: AutoencoderConfig,
): void {
  if (config.patchSize !== autoencoder.patchSize)
    throw modelMismatch(
      'patchSize of the language model and its autoencoder',
      autoencoder.patchSize,
      config.patchSize,
    );
  if (config.latentSize !== autoencoder.latentSize)
    throw modelMismatch(
      'latentSize of the language model and its autoencoder',
      autoencoder.latentSize,
      config.latentSize,
    );
}

export function disposeLanguageModel(model: LanguageModel): void {
  disposeTree({ language: model.parameters, autoencoder: model.autoencoder.parameters });
}
