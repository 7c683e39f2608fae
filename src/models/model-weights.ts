/** Which weights a model's folder holds, and reading them for as long as they are needed. */

import { LLAMA_TENSOR, type ModelFolder, openWeights, type Weights } from '../artifacts/index.ts';
import { TRANSFORMER_DEFAULTS } from './transformer/config.ts';

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
