/**
 * SiLU and its gated product, with gradients written out: fewer passes over memory than the tape of the primitives.
 * Shapes are free; every function works element by element.
 */

import { type Tensor, tf } from '../engine/index.ts';

/** silu(x) = x · σ(x). */
export const silu = tf.customGrad((x, save) => {
  const gate = tf.sigmoid(x as Tensor);
  (save as tf.GradSaveFunc)([x as Tensor, gate]);
  return { value: tf.mul(x as Tensor, gate), gradFunc: (dy, [saved, sigmoid]) => tf.mul(dy, siluSlope(saved, sigmoid)) };
}) as (x: Tensor) => Tensor;

/** silu(gate) ⊙ up, both of the same shape: the inside of SwiGLU. */
export const gatedSilu = tf.customGrad((gate, up, save) => {
  const [g, u] = [gate as Tensor, up as Tensor];
  const sigmoid = tf.sigmoid(g);
  (save as unknown as tf.GradSaveFunc)([g, u, sigmoid]);
  return {
    value: tf.mul(tf.mul(g, sigmoid), u),
    gradFunc: (dy, [savedGate, savedUp, s]) => [tf.mul(tf.mul(dy, savedUp), siluSlope(savedGate, s)), tf.mul(dy, tf.mul(savedGate, s))],
  };
}) as (gate: Tensor, up: Tensor) => Tensor;

/** d silu/dx = σ(x) (1 + x (1 − σ(x))). */
function siluSlope(x: Tensor, sigmoid: Tensor): Tensor {
  return tf.mul(sigmoid, tf.add(1, tf.mul(x, tf.sub(1, sigmoid))));
}
