/**
 * The energy loss (paper eq. 10), strictly proper for 0 < β < 2: lower is better, and in expectation lowest
 * where the model's samples and the
 * targets have the same distribution.  R positions · N model samples · M target samples · L latent.
 */

import { type Tensor, tf } from '../engine/index.ts';

/** The two expectations of the energy loss, each [positions]. loss = fidelity − diversity. */
export interface EnergyParts {
  /** 2·E‖x − y‖^β: how far the samples are from the targets. */
  readonly fidelity: Tensor;
  /** E‖x − x′‖^β: how far they are from each other. */
  readonly diversity: Tensor;
}

/**
 * loss = 2/(N M) Σ ‖x_i − y_j‖^β − 1/(N(N−1)) Σ_{i≠j} ‖x_i − x_j‖^β for each position; its two terms are
 * returned apart.
 *
 * Distances to targets come from products, ‖x‖² + ‖y‖² − 2x·y, so that the [N, M, L] array of differences is
 * never made; those among the samples are
 * taken from differences, because equal samples must be at distance 0 exactly. Where a distance is 0 its
 * gradient is 0 (not the NaN of β < 1).
 * The targets get no gradient: they come from the frozen autoencoder.
 * @param samples x, [positions, N, latent], N ≥ 2
 * @param targets y, [positions, M, latent]
 * @param beta the exponent β
 */
export function energyParts(samples: Tensor, targets: Tensor, beta: number): EnergyParts {
  return { fidelity: fidelity(samples, targets, beta), diversity: diversity(samples, beta) };
}

/** fidelity − diversity, [positions]; see energyParts. */
export function energyLoss(samples: Tensor, targets: Tensor, beta: number): Tensor {
  const parts = energyParts(samples, targets, beta);
  return tf.sub(parts.fidelity, parts.diversity);
}

/** 2/(N M) Σ ‖x_i − y_j‖^β; the gradient at x_i is 2β/(N M) Σ_j ‖x_i − y_j‖^{β−2} (x_i − y_j). */
function fidelity(samples: Tensor, targets: Tensor, beta: number): Tensor {
  const [positions, n, m] = [samples.shape[0], samples.shape[1] as number, targets.shape[1] as number];
  const run = tf.customGrad((x, save) => {
    const squared = squaredDistancesTo(x as Tensor, targets);
    (save as tf.GradSaveFunc)([x as Tensor, targets, squared]);
    const gradFunc = (dy: Tensor, kept: Tensor[]) => {
      const [saved, savedTargets, distances] = kept as [Tensor, Tensor, Tensor];
      const pull = power(distances, beta / 2 - 1);
      const towards = tf.sub(
        tf.mul(saved, tf.sum(pull, -1, true)),
        tf.matMul(pull as tf.Tensor3D, savedTargets as tf.Tensor3D),
      );
      return tf.mul(towards, tf.mul(tf.reshape(dy, [-1, 1, 1]), (2 * beta) / (n * m)));
    };
    return {
      value: tf.mul(tf.sum(tf.reshape(power(squared, beta / 2), [positions, n * m]), -1), 2 / (n * m)),
      gradFunc,
    };
  });
  return run(samples);
}

/** 1/(N(N−1)) Σ_{i≠j} ‖x_i − x_j‖^β; the gradient at x_i is 2β/(N(N−1)) Σ_j ‖x_i − x_j‖^{β−2} (x_i − x_j). */
function diversity(samples: Tensor, beta: number): Tensor {
  const [positions, n] = [samples.shape[0], samples.shape[1] as number];
  const numPairs = n * (n - 1);
  const run = tf.customGrad((x, save) => {
    const gaps = differences(x as Tensor);
    const squared = tf.sum(tf.square(gaps), -1, true);
    (save as tf.GradSaveFunc)([gaps, squared]);
    const gradFunc = (dy: Tensor, kept: Tensor[]) => {
      const [savedGaps, distances] = kept as [Tensor, Tensor];
      const apart = tf.sum(tf.mul(savedGaps, power(distances, beta / 2 - 1)), 2);
      return tf.mul(apart, tf.mul(tf.reshape(dy, [-1, 1, 1]), (2 * beta) / numPairs));
    };
    return {
      value: tf.mul(tf.sum(tf.reshape(power(squared, beta / 2), [positions, n * n]), -1), 1 / numPairs),
      gradFunc,
    };
  });
  return run(samples);
}

/** ‖x_i − y_j‖², [positions, N, M], by products. */
function squaredDistancesTo(samples: Tensor, targets: Tensor): Tensor {
  const products = tf.matMul(samples as tf.Tensor3D, targets as tf.Tensor3D, false, true);
  const lengths = tf.add(
    tf.sum(tf.square(samples), -1, true),
    tf.expandDims(tf.sum(tf.square(targets), -1), 1),
  );
  return tf.maximum(tf.sub(lengths, tf.mul(products, 2)), 0);
}

/** x_i − x_j, [positions, N, N, latent]. */
function differences(samples: Tensor): Tensor {
  return tf.sub(tf.expandDims(samples, 2), tf.expandDims(samples, 1));
}

/** base^exponent, and 0 where base is 0. */
function power(base: Tensor, exponent: number): Tensor {
  const isZero = tf.equal(base, 0);
  const safe = tf.where(isZero, tf.onesLike(base), base);
  const raised =
    exponent === 0.5 ? tf.sqrt(safe) : exponent === -0.5 ? tf.rsqrt(safe) : tf.pow(safe, exponent);
  return tf.where(isZero, tf.zerosLike(base), raised);
}
