/** Reads a discrete Transformer from its folder. */

import type { ModelFolder } from '../../artifacts/index.ts';
import { checkedConfig } from '../config.ts';
import { checkTransformerFolder } from '../imported.ts';
import { readingWeights } from '../model-weights.ts';
import { loadParameters } from '../parameters.ts';
import { TRANSFORMER_DEFAULTS } from './config.ts';
import { type Transformer, transformerTable } from './transformer.ts';

export async function loadTransformer(folder: ModelFolder): Promise<Transformer> {
  const config = folder.isForeign
    ? (await checkTransformerFolder(folder)).config
    : await folder.readConfig((file, stated) => checkedConfig(file, TRANSFORMER_DEFAULTS, stated));
  return readingWeights(folder, (weights) => ({
    config,
    parameters: loadParameters(transformerTable(config), weights, weights.file),
  }));
}
