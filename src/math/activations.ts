/**
 * SiLU and its gated product, with gradients written out: fewer passes over memory than the tape of the
 * primitives.
 * Shapes are free; every function works element by element.
 */

import { type Tensor, tf } from '../engine/index.ts';

/** silu(x) = x · σ(x). */
export const silu = tf.customGrad((x, save) => {
  const sigmoid = tf.sigmoid(x as Tensor);
  const value = tf.mul(x as Tensor, sigmoid);
  (save as tf.GradSaveFunc)([value, sigmoid]);
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [y, s] = saved as [Tensor, Tensor];
    return tf.mul(dy, siluSlope(y, s));
  };
  return { value, gradFunc };
}) as (x: Tensor) => Tensor;

/** silu(gate) ⊙ up, both of the same shape: the inside of SwiGLU. */
export const gatedSilu = tf.customGrad((gate, up, save) => {
  const sigmoid = tf.sigmoid(gate as Tensor);
  const activated = tf.mul(gate as Tensor, sigmoid);
  (save as unknown as tf.GradSaveFunc)([activated, sigmoid, up as Tensor]);
  const gradFunc = (dy: Tensor, saved: Tensor[]) => {
    const [y, s, u] = saved as [Tensor, Tensor, Tensor];
    return [tf.mul(tf.mul(dy, u), siluSlope(y, s)), tf.mul(dy, y)];
  };
  return { value: tf.mul(activated, up as Tensor), gradFunc };
}) as (gate: Tensor, up: Tensor) => Tensor;

/** d silu/dx = σ + y (1 − σ), with y = silu(x): three passes. */
function siluSlope(y: Tensor, sigmoid: Tensor): Tensor {
  return tf.add(sigmoid, tf.sub(y, tf.mul(y, sigmoid)));
}

/** x, with no gradient. */
export const detach = tf.customGrad((x) => ({
  value: tf.clone(x as Tensor),
  gradFunc: (dy) => tf.zerosLike(dy),
})) as (x: Tensor) => Tensor;
