/** Rotary causal attention. B batch · H heads · P positions · Q queries · S keys · D head size. */

import { floatTensor, type Tensor, tf } from '../engine/index.ts';

/** cos and sin of the rotary angles, each [..., positions, head size]. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Angles position · θ^(−2i/D) for i = 0 … D/2 − 1, repeated for both halves (the rotate-half convention of
 * Llama).
 * @param positions [..., positions], float
 */
export function rotaryTable(positions: Tensor, headSize: number, theta: number): RotaryTable {
  const frequencies = Float32Array.from(
    { length: headSize },
    (_, i) => 1 / theta ** ((2 * (i % (headSize / 2))) / headSize),
  );
  const angles = tf.mul(tf.expandDims(positions, -1), floatTensor(frequencies, [headSize]));
  return { cos: tf.cos(angles), sin: tf.sin(angles) };
}

/**
 * x cos + rotateHalf(x) sin, rotateHalf(a, b) = (−b, a).
 * @param x [batch, heads, positions, head size]
 */
export function rotate(x: Tensor, { cos, sin }: RotaryTable): Tensor {
  const [first, second] = tf.split(x, 2, -1) as [Tensor, Tensor];
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], -1), sin));
}

/**
 * softmax(q kᵀ / √D + mask) v.
 * @param query [batch, heads, queries, head size]
 * @param key [batch, heads, keys, head size]
 * @param value [batch, heads, keys, head size]
 * @param mask added to the scores, [queries, keys] (see causalMask) or [batch, 1, queries, keys]
 * @returns [batch, heads, queries, head size]
 */
export function attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor): Tensor {
  const [batch, heads, , size] = query.shape as [number, number, number, number];
  const flat = (x: Tensor) => tf.reshape(x, [batch * heads, x.shape[2] as number, size]) as tf.Tensor3D;
  const scores = tf.mul(tf.matMul(flat(query), flat(key), false, true), 1 / Math.sqrt(size));
  const masked =
    mask.shape.length === 2
      ? tf.add(scores, mask)
      : tf.reshape(tf.add(tf.reshape(scores, [batch, heads, ...scores.shape.slice(1)]), mask), scores.shape);
  const weights = tf.softmax(masked);
  return tf.reshape(tf.matMul(weights as tf.Tensor3D, flat(value)), query.shape);
}

/** What a hidden position adds to its score. */
const HIDDEN = -1e9;

/**
 * 0 where a query may look, −1e9 where not. The keys are `capacity` places of a cache, of which the first
 * `filled` count, and then the queries' own;
 * each query sees all that counts of the cache, and its own kind up to itself.
 * @param filled a scalar, so that one graph serves a cache as it fills
 * @returns [queries, capacity + queries]
 */
export function causalMask(queries: number, capacity: number, filled: Tensor | number): Tensor {
  const own = new Float32Array(queries * queries);
  for (let i = 0; i < queries; i++) own.fill(HIDDEN, i * queries + i + 1, (i + 1) * queries);
  const ownMask = floatTensor(own, [queries, queries]);
  if (capacity === 0) return ownMask;
  const isEmpty = tf.greaterEqual(tf.range(0, capacity, 1, 'float32'), filled);
  const cacheMask = tf.mul(tf.cast(isEmpty, 'float32'), HIDDEN);
  return tf.concat([tf.tile(tf.reshape(cacheMask, [1, capacity]), [queries, 1]), ownMask], 1);
}

/**
 * Repeats each key/value head for its group of query heads: [batch, groups, positions, size] → [batch, heads,
 * positions, size].
 */
export function repeatHeads(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, groups, positions, size] = x.shape as [number, number, number, number];
  const repeated = tf.tile(tf.reshape(x, [batch, groups, 1, positions * size]), [1, 1, times, 1]);
  return tf.reshape(repeated, [batch, groups * times, positions, size]);
}
