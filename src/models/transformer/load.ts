/** Reads a discrete Transformer from its folder. */

import type { ModelFolder } from '../../artifacts/index.ts';
import { checkedConfig } from '../config.ts';
import { checkTransformerFolder } from '../imported.ts';
import { readingWeights } from '../model-weights.ts';
import { transformerOf } from '../of-weights.ts';
import { transformerSchema } from './config.ts';
import type { Transformer } from './transformer.ts';

export async function loadTransformer(folder: ModelFolder): Promise<Transformer> {
  const config = folder.isForeign
    ? (await checkTransformerFolder(folder.directory)).config
    : await folder.readConfig((file, stated) => checkedConfig(file, transformerSchema, stated));
  return readingWeights(folder, (weights) => transformerOf(config, weights));
}
