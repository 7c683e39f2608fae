/**
 * The frozen encoder by tables (an exact identity): its first half sees one token alone, and the squeeze
 * layer is linear, so
 * T_k = stage1(embedding) · W_squeeze[:, k-th block]ᵀ can be made once for each position k, and a patch is
 * then a sum of K table rows.
 * N patches · K tokens a patch · H hidden · V vocabulary.
 */

import { type Tensor, type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { type PatchGaussians, squeeze, tokenStage } from './autoencoder.ts';
import type { AutoencoderConfig } from './config.ts';

/** Tables for all positions in one, [K·V, hidden]: row k·V + id belongs to token `id` at position k. */
export function encoderTables(parameters: TensorMap, config: AutoencoderConfig): Tensor {
  const { patchSize, hiddenSize } = config;
  const tokens = tokenStage(
    parameters,
    config,
    tensorOf(parameters, 'encoder.embed_tokens.weight'),
  ) as tf.Tensor2D;
  const weight = tensorOf(parameters, 'encoder.squeeze_layer.weight');
  const block = (k: number) => tf.slice(weight, [0, k * hiddenSize], [hiddenSize, hiddenSize]) as tf.Tensor2D;
  return tf.concat(
    Array.from({ length: patchSize }, (_, k) => tf.matMul(tokens, block(k), false, true)),
    0,
  );
}

/**
 * What `encode` gives, from the tables.
 * @param ids [patches·K], int32
 */
export function encodeByTables(
  parameters: TensorMap,
  config: AutoencoderConfig,
  tables: Tensor,
  ids: Tensor,
): PatchGaussians {
  const { patchSize, vocabSize } = config;
  const patches = tf.reshape(ids, [-1, patchSize]);
  const offsets = tf.mul(tf.range(0, patchSize, 1, 'int32'), tf.scalar(vocabSize, 'int32'));
  const rows = tf.reshape(tf.transpose(tf.add(patches, offsets)), [-1]) as tf.Tensor1D;
  const chosen = tf.reshape(tf.gather(tables, rows), [patchSize, -1, config.hiddenSize]);
  return squeeze(parameters, config, tf.sum(chosen, 0));
}
