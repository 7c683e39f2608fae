/**
 * Opens a language model, whatever its kind: a CALM or a discrete Transformer, ours or in a Hugging Face
 * folder.
 */

import type { ModelFolder } from '../artifacts/index.ts';
import type { Engine } from '../engine/index.ts';
import { headOfTransformer } from '../errors.ts';
import { PatchDecoder } from './calm/decoding.ts';
import type { HeadSampling } from './calm/heads/sampling.ts';
import { loadLanguageModel } from './language-model.ts';
import { isTransformer } from './model-weights.ts';
import type { PatchModel } from './patch-model.ts';
import { TransformerDecoder } from './transformer/decoding.ts';
import { loadTransformer } from './transformer/load.ts';

/** @param sampling how a CALM's head is sampled from; a Transformer has no head, and refuses it */
export async function openPatchModel(
  engine: Engine,
  folder: ModelFolder,
  sampling: HeadSampling = {},
): Promise<PatchModel> {
  if (!(await isTransformer(folder)))
    return new PatchDecoder(engine, await loadLanguageModel(folder), sampling);
  const [option] = Object.keys(sampling);
  if (option !== undefined) throw headOfTransformer(option);
  return new TransformerDecoder(engine, await loadTransformer(folder));
}
