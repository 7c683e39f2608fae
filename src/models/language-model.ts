/** A CALM ready to use: the language model and the frozen autoencoder that reads and writes its patches. */

import { join } from 'node:path';
import { autoencoderBeside, type ModelFolder } from '../artifacts/index.ts';
import { disposeTree, type TensorMap } from '../engine/index.ts';
import { autoencoderMissing, modelIsTransformer } from '../errors.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import { type AutoencoderConfig, autoencoderSchema } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import type { CalmConfig } from './calm/config.ts';
import type { AnyHead } from './calm/heads/head.ts';
import { loadHead } from './calm/heads/registry.ts';
import { checkedConfig, readCalmConfig } from './config.ts';
import { checkAutoencoderFolder, checkCalmFolder } from './imported.ts';
import {
  AUTOENCODER_FOLDER,
  AUTOENCODER_PREFIX,
  checkFits,
  hasAutoencoder,
  isTransformer,
  readingWeights,
} from './model-weights.ts';
import { loadParameters } from './parameters.ts';

export interface Autoencoder {
  readonly config: AutoencoderConfig;
  readonly parameters: TensorMap;
}

export interface LanguageModel {
  readonly config: CalmConfig;
  readonly head: AnyHead;
  readonly parameters: TensorMap;
  readonly autoencoder: Autoencoder;
}

export async function loadAutoencoder(folder: ModelFolder): Promise<Autoencoder> {
  const config = folder.isForeign
    ? (await checkAutoencoderFolder(folder.directory)).config
    : await folder.readConfig((file, stated) => checkedConfig(file, autoencoderSchema, stated));
  return readingWeights(folder, (weights) => ({
    config,
    parameters: loadParameters(autoencoderTable(config), weights, weights.file),
  }));
}

/** Reads a CALM. A discrete Transformer is an error here; `openPatchModel` takes either. */
export async function loadLanguageModel(folder: ModelFolder): Promise<LanguageModel> {
  const { config, autoencoder, frozenFrom } = await configsOf(folder);
  const head = await loadHead(config.head.name);
  checkFits(config, autoencoder);
  const table = autoencoderTable(autoencoder);
  const own = await readingWeights(folder, (weights) => ({
    parameters: loadParameters(calmTable(config, head), weights, weights.file),
    frozen: hasAutoencoder(weights)
      ? loadParameters(table, weights, weights.file, AUTOENCODER_PREFIX)
      : undefined,
  }));
  const frozen =
    own.frozen ??
    (await readingWeights(frozenFrom, (weights) => loadParameters(table, weights, weights.file)));
  return {
    config,
    head,
    parameters: own.parameters,
    autoencoder: { config: autoencoder, parameters: frozen },
  };
}

/**
 * Both configurations of a language model's folder, and where the autoencoder's weights are if not in the
 * model's.
 */
async function configsOf(folder: ModelFolder) {
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
