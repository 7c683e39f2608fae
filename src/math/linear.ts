/** Affine maps over the last axis. R rows (all leading axes) · I in · O out. */

import { type Tensor, tf } from '../engine/index.ts';

/**
 * y = x Wᵀ + b.
 * @param x [..., in]
 * @param weight [out, in], the layout of the released checkpoints
 * @param bias [out], optional
 * @returns [..., out]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [outSize, inSize] = weight.shape as [number, number];
  const product = tf.matMul(tf.reshape(x, [-1, inSize]) as tf.Tensor2D, weight as tf.Tensor2D, false, true);
  const shifted = bias ? tf.add(product, bias) : product;
  return tf.reshape(shifted, [...x.shape.slice(0, -1), outSize]);
}

/**
 * The rows of a table: token ids to embeddings. The gradient of `frozenRow` is zero (a padding row is used
 * but not trained, as `nn.Embedding` does).
 * @param table [rows, size]
 * @param ids [n], int32
 * @returns [n, size]
 */
export function embed(table: Tensor, ids: Tensor, frozenRow?: number | null): Tensor {
  const numRows = table.shape[0];
  const lookup = tf.customGrad((rows, save) => {
    (save as tf.GradSaveFunc)([ids]);
    return {
      value: tf.gather(rows as Tensor, ids as tf.Tensor1D),
      gradFunc: (dy, saved) => {
        const [savedIds] = saved as [tf.Tensor1D];
        return tf.unsortedSegmentSum(maskRows(dy, savedIds, frozenRow), savedIds, numRows);
      },
    };
  });
  return lookup(table);
}

function maskRows(dy: Tensor, ids: Tensor, frozenRow: number | null | undefined): Tensor {
  if (frozenRow === undefined || frozenRow === null) return dy;
  return tf.mul(dy, tf.expandDims(tf.cast(tf.notEqual(ids, frozenRow), 'float32'), 1));
}
