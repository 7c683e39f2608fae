/** What a language model's folder holds of its autoencoder. */

import type { StoredTensors } from '../artifacts/index.ts';
import { modelMismatch } from '../errors.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import type { CalmConfig } from './calm/config.ts';

/** The prefix under which a language model's weights hold the frozen autoencoder, as in the reference. */
export const AUTOENCODER_PREFIX = 'ae_model.';

/**
 * The folder inside a language model's that holds the frozen autoencoder's weights where the model's own do
 * not.
 */
export const AUTOENCODER_FOLDER = 'autoencoder';

export function hasAutoencoder(weights: Pick<StoredTensors, 'has'>): boolean {
  return weights.has(`${AUTOENCODER_PREFIX}encoder.squeeze_layer.weight`);
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
