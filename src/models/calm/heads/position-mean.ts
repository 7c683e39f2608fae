import { type Tensor, tf } from '../../../engine/index.ts';

/**
 * The mean over positions, which are the last axis, and over what stands before it.
 * @param weights of the positions, adding up to 1; each counts the same where they are absent
 */
export function positionMean(values: Tensor, weights?: Tensor): Tensor {
  if (!weights) return tf.mean(values);
  return tf.sum(tf.mul(values.rank > 1 ? tf.mean(values, 0) : values, weights));
}
