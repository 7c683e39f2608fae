/** Reads a CALM, or an autoencoder, from its folder. */

import { join } from 'node:path';
import { autoencoderBeside, type ModelFolder } from '../artifacts/index.ts';
import { disposeTree } from '../engine/index.ts';
import { autoencoderMissing, modelIsTransformer } from '../errors.ts';
import { autoencoderSchema } from './autoencoder/config.ts';
import { checkedConfig, readCalmConfig } from './config.ts';
import { AUTOENCODER_FOLDER } from './frozen-autoencoder.ts';
import { checkAutoencoderFolder, checkCalmFolder } from './imported.ts';
import { isTransformer, readingWeights } from './model-weights.ts';
import { type Autoencoder, autoencoderOf, calmOf, type LanguageModel } from './of-weights.ts';

export async function loadAutoencoder(folder: ModelFolder): Promise<Autoencoder> {
  const config = folder.isForeign
    ? (await checkAutoencoderFolder(folder.directory)).config
    : await folder.readConfig((file, stated) => checkedConfig(file, autoencoderSchema, stated));
  return readingWeights(folder, (weights) => autoencoderOf(config, weights));
}

/** Reads a CALM. A discrete Transformer is an error here; `openPatchModel` takes either. */
export async function loadLanguageModel(folder: ModelFolder): Promise<LanguageModel> {
  const { config, autoencoder, frozenFrom } = await configsOf(folder);
  const frozen = () => readingWeights(frozenFrom, (weights) => autoencoderOf(autoencoder, weights));
  return readingWeights(folder, (weights) => calmOf(config, autoencoder, weights, frozen));
}

/**
 * Both configurations of a CALM's folder, and where the autoencoder's weights are if not in the model's.
 */
export async function configsOf(folder: ModelFolder) {
  if (await isTransformer(folder)) throw modelIsTransformer(folder.directory);
  if (folder.isForeign) {
    const beside = await autoencoderBeside(folder.directory);
    if (!beside) throw autoencoderMissing(folder.directory);
    const { config, autoencoder } = await checkCalmFolder(folder.directory, beside);
    return { config, autoencoder, frozenFrom: beside };
  }
  return {
    config: await folder.readConfig(readCalmConfig),
    autoencoder: await folder.readConfig(
      (file, stated) => checkedConfig(file, autoencoderSchema, stated),
      'ae_config',
    ),
    frozenFrom: join(folder.directory, AUTOENCODER_FOLDER),
  };
}

export function disposeLanguageModel(model: LanguageModel): void {
  disposeTree({ language: model.parameters, autoencoder: model.autoencoder.parameters });
}
