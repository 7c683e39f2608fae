/** Models made of their configurations and their weights, wherever these were read from. */

import type { StoredTensors } from '../artifacts/index.ts';
import type { TensorMap } from '../engine/index.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import type { CalmConfig } from './calm/config.ts';
import type { AnyHead } from './calm/heads/head.ts';
import { loadHead } from './calm/heads/registry.ts';
import { AUTOENCODER_PREFIX, checkFits, hasAutoencoder } from './frozen-autoencoder.ts';
import { loadParameters } from './parameters.ts';
import type { TransformerConfig } from './transformer/config.ts';
import { type Transformer, transformerTable } from './transformer/transformer.ts';

export interface Autoencoder {
  readonly config: AutoencoderConfig;
  readonly parameters: TensorMap;
}

/** A CALM ready to use: the language model and the frozen autoencoder that reads and writes its patches. */
export interface LanguageModel {
  readonly config: CalmConfig;
  readonly head: AnyHead;
  readonly parameters: TensorMap;
  readonly autoencoder: Autoencoder;
}

/** Tensors of a file that errors name. */
export type NamedTensors = StoredTensors & { readonly file: string };

export function autoencoderOf(config: AutoencoderConfig, weights: NamedTensors, prefix = ''): Autoencoder {
  return { config, parameters: loadParameters(autoencoderTable(config), weights, weights.file, prefix) };
}

/**
 * @param weights of the language model, with the frozen autoencoder's under `ae_model.`
 * @param frozen reads the autoencoder where these weights do not hold it
 */
export async function calmOf(
  config: CalmConfig,
  autoencoder: AutoencoderConfig,
  weights: NamedTensors,
  frozen?: () => Promise<Autoencoder>,
): Promise<LanguageModel> {
  const head = await loadHead(config.head.name);
  checkFits(config, autoencoder);
  const parameters = loadParameters(calmTable(config, head), weights, weights.file);
  const isInside = !frozen || hasAutoencoder(weights);
  return {
    config,
    head,
    parameters,
    autoencoder: isInside ? autoencoderOf(autoencoder, weights, AUTOENCODER_PREFIX) : await frozen(),
  };
}

export function transformerOf(config: TransformerConfig, weights: NamedTensors): Transformer {
  return { config, parameters: loadParameters(transformerTable(config), weights, weights.file) };
}
