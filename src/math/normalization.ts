/** Normalisations over the last axis, with gradients written out. Shapes [..., size]; weights [size]. */

import { type Tensor, tf } from '../engine/index.ts';

/**
 * x / √(mean(x²) + ε) ⊙ w (Zhang & Sennrich 2019).
 * @param x [..., size]
 * @param weight [size]
 * @returns [..., size]
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const size = weight.shape[0];
  const run = tf.customGrad((rows, scale, save) => {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(rows as Tensor), -1, true), epsilon));
    const normal = tf.mul(rows as Tensor, inverse);
    (save as unknown as tf.GradSaveFunc)([normal, inverse, scale as Tensor]);
    return {
      value: tf.mul(normal, scale as Tensor),
      gradFunc: (dy, saved) => {
        const [n, r, w] = saved as [Tensor, Tensor, Tensor];
        const dn = tf.mul(dy, w);
        const dx = tf.mul(r, tf.sub(dn, tf.mul(n, tf.mean(tf.mul(dn, n), -1, true))));
        return [dx, tf.sum(tf.mul(dy, n), 0)];
      },
    };
  });
  return tf.reshape(run(tf.reshape(x, [-1, size]), weight), x.shape);
}

/**
 * (x − mean) / √(variance + ε) ⊙ w + b (Ba et al. 2016).
 * @param x [..., size]
 * @param weight [size]
 * @param bias [size]
 * @returns [..., size]
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-6): Tensor {
  const size = weight.shape[0];
  const run = tf.customGrad((rows, scale, shift, save) => {
    const centred = tf.sub(rows as Tensor, tf.mean(rows as Tensor, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    const normal = tf.mul(centred, inverse);
    (save as unknown as tf.GradSaveFunc)([normal, inverse, scale as Tensor]);
    return {
      value: tf.add(tf.mul(normal, scale as Tensor), shift as Tensor),
      gradFunc: (dy, saved) => {
        const [n, r, w] = saved as [Tensor, Tensor, Tensor];
        const dn = tf.mul(dy, w);
        const projected = tf.add(tf.mean(dn, -1, true), tf.mul(n, tf.mean(tf.mul(dn, n), -1, true)));
        return [tf.mul(r, tf.sub(dn, projected)), tf.sum(tf.mul(dy, n), 0), tf.sum(dy, 0)];
      },
    };
  });
  return tf.reshape(run(tf.reshape(x, [-1, size]), weight, bias), x.shape);
}

/**
 * (x − mean) / √(variance + ε): a layer norm without weight and bias.
 * @param x [..., size]
 * @returns [..., size]
 */
export function standardize(x: Tensor, epsilon = 1e-6): Tensor {
  const run = tf.customGrad((rows, save) => {
    const centred = tf.sub(rows as Tensor, tf.mean(rows as Tensor, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    const normal = tf.mul(centred, inverse);
    (save as unknown as tf.GradSaveFunc)([normal, inverse]);
    return {
      value: normal,
      gradFunc: (dy, saved) => {
        const [n, r] = saved as [Tensor, Tensor];
        const projected = tf.add(tf.mean(dy, -1, true), tf.mul(n, tf.mean(tf.mul(dy, n), -1, true)));
        return tf.mul(r, tf.sub(dy, projected));
      },
    };
  });
  return run(x);
}
