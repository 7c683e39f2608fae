/** Divergence of the encoder's Gaussians from the standard normal. P patches · L latent. */

import { type Tensor, tf } from '../engine/index.ts';

/**
 * KL(N(mean, σ²) ‖ N(0, 1)) for each dimension: ½ (mean² + σ² − 1 − 2 log σ), in nats (paper eq. 3).
 * @param mean [patches, latent]
 * @param logStd [patches, latent]
 * @returns [patches, latent]
 */
export function gaussianKl(mean: Tensor, logStd: Tensor): Tensor {
  const variance = tf.exp(tf.mul(logStd, 2));
  return tf.mul(tf.sub(tf.sub(tf.add(tf.square(mean), variance), 1), tf.mul(logStd, 2)), 0.5);
}

/**
 * The clipped KL of the paper (eq. 4): Σ over dimensions of max(KL, clamp), averaged over patches. Below the
 * clamp a dimension is free and has no gradient.
 * @returns a scalar
 */
export function clippedKl(mean: Tensor, logStd: Tensor, clamp: number): Tensor {
  return tf.mean(tf.sum(tf.maximum(gaussianKl(mean, logStd), clamp), -1));
}
