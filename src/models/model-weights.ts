/**
 * What a language model's folder holds of its autoencoder, and reading weights for as long as they are
 * needed.
 */

import { LLAMA_TENSOR, type ModelFolder, openWeights, type Weights } from '../artifacts/index.ts';
import { modelMismatch } from '../errors.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import type { CalmConfig } from './calm/config.ts';
import { TRANSFORMER_DEFAULTS } from './transformer/config.ts';

/** The prefix under which a language model's weights hold the frozen autoencoder, as in the reference. */
export const AUTOENCODER_PREFIX = 'ae_model.';

/**
 * The folder inside a language model's that holds the frozen autoencoder's weights where the model's own do
 * not.
 */
export const AUTOENCODER_FOLDER = 'autoencoder';

export function hasAutoencoder(weights: Pick<Weights, 'has'>): boolean {
  return weights.has(`${AUTOENCODER_PREFIX}encoder.squeeze_layer.weight`);
}

/** Whether a language model's folder holds a discrete Transformer: by its weights where it is not ours. */
export async function isTransformer(folder: ModelFolder): Promise<boolean> {
  if (folder.isForeign) return readingWeights(folder, (weights) => weights.has(LLAMA_TENSOR));
  return folder.readConfig((_, stated) => stated.modelType === TRANSFORMER_DEFAULTS.modelType);
}

/** Opens weights for as long as they are read. @param from a folder of weights, or a model's folder */
export async function readingWeights<T>(
  from: string | ModelFolder,
  read: (weights: Weights) => T | Promise<T>,
): Promise<T> {
  const weights = await (typeof from === 'string' ? openWeights(from) : from.openWeights());
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
