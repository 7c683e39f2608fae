/** Rotary causal attention. B batch · H heads · Q queries · S keys · D head size. */

import { floatTensor, type Tensor, tf } from '../engine/index.ts';

/** cos and sin of the rotary angles, each [positions, head size]. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Angles position · θ^(−2i/D) for i = 0 … D/2 − 1, repeated for both halves (the rotate-half convention of Llama).
 * @param start the first position; later chunks of a cached rollout begin where the cache ends
 */
export function rotaryTable(start: number, count: number, headSize: number, theta: number): RotaryTable {
  const half = headSize / 2;
  const angles = Float32Array.from({ length: count * headSize }, (_, i) => {
    const frequency = Math.fround(1 / theta ** ((2 * ((i % headSize) % half)) / headSize));
    return Math.fround((start + Math.floor(i / headSize)) * frequency);
  });
  const table = (f: (x: number) => number) => floatTensor(angles.map(f), [count, headSize]);
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/**
 * x cos + rotateHalf(x) sin, rotateHalf(a, b) = (−b, a).
 * @param x [batch, heads, positions, head size]
 */
export function rotate(x: Tensor, { cos, sin }: RotaryTable): Tensor {
  const [first, second] = tf.split(x, 2, -1);
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], -1), sin));
}

/**
 * softmax(q kᵀ / √D + mask) v, in which query i may look at keys up to its own position.
 * @param query [batch, heads, queries, head size]; the queries are the last positions of the keys
 * @param key [batch, heads, keys, head size]
 * @param value [batch, heads, keys, head size]
 * @returns [batch, heads, queries, head size]
 */
export function causalAttention(query: Tensor, key: Tensor, value: Tensor): Tensor {
  const [batch, heads, queries, size] = query.shape as [number, number, number, number];
  const keys = key.shape[2] as number;
  const flat = (x: Tensor) => tf.reshape(x, [batch * heads, x.shape[2] as number, size]) as tf.Tensor3D;
  const scores = tf.mul(tf.matMul(flat(query), flat(key), false, true), 1 / Math.sqrt(size));
  const weights = tf.softmax(queries === 1 ? scores : tf.add(scores, causalMask(queries, keys)));
  return tf.reshape(tf.matMul(weights as tf.Tensor3D, flat(value)), query.shape);
}

/** 0 where query i may see key j, −1e9 where not; [queries, keys]. */
function causalMask(queries: number, keys: number): Tensor {
  const offset = keys - queries;
  const mask = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++) mask.fill(-1e9, i * keys + offset + i + 1, (i + 1) * keys);
  return floatTensor(mask, [queries, keys]);
}

/** Repeats each key/value head for its group of query heads: [batch, groups, positions, size] → [batch, heads, positions, size]. */
export function repeatHeads(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, groups, positions, size] = x.shape;
  const repeated = tf.tile(tf.reshape(x, [batch, groups, 1, positions * size]), [1, 1, times, 1]);
  return tf.reshape(repeated, [batch, groups * times, positions, size]);
}
