/**
 * The polar factor U Vᵀ of matrices U Σ Vᵀ, approximately, by products alone: what Muon makes of a momentum.
 * B matrices of one shape · R rows · C columns.
 */

import { type Tensor, tf } from '../engine/index.ts';

/** X ← a X + (b A + c A²) X with A = X Xᵀ, which takes each singular value σ to a σ + b σ³ + c σ⁵. */
export type Quintic = readonly [a: number, b: number, c: number];

const JORDAN: Quintic = [3.4445, -4.775, 2.0315];

/** Polynomials by name, one for each step; the last is repeated where more steps are asked for. */
export const POLYNOMIALS = {
  /** Five equal steps take singular values from 0.01 … 1 to about 0.7 … 1.2 (Jordan et al. 2024, Muon). */
  'newton-schulz': [JORDAN],
  /**
   * Optimal step by step for singular values in 10⁻³ … 1, with a margin of 2 % (Amsel et al. 2025, arXiv
   * 2505.16932).
   */
  'polar-express': [
    [8.156554524902461, -22.48329292557795, 15.878769915207462],
    [4.042929935166739, -2.808917465908714, 0.5000178451051316],
    [3.8916678022926607, -2.772484153217685, 0.5060648178503393],
    [3.285753657755655, -2.3681294933425376, 0.46449024233003106],
    [2.3465413258596377, -1.7097828382687081, 0.42323551169305323],
  ],
} as const satisfies Record<string, readonly Quintic[]>;

export type PolynomialName = keyof typeof POLYNOMIALS;

/** The margin that each polynomial's first step wants above the largest singular value. */
const MARGIN: Readonly<Record<PolynomialName, number>> = { 'newton-schulz': 1, 'polar-express': 1.02 };

/** Keeps a matrix of zeros what it is. */
const TINY = 1e-7;

/**
 * Brings all singular values of each matrix near 1. Matrices are divided by their Frobenius norm first, so
 * their
 * scale does not matter.
 * @param matrices [matrices, rows, columns]
 * @param steps of the iteration, 1 or more
 * @returns [matrices, rows, columns]
 */
export function polarFactor(
  matrices: Tensor,
  steps = 5,
  polynomial: PolynomialName = 'newton-schulz',
): Tensor {
  const [, rows, columns] = matrices.shape as [number, number, number];
  // The products X Xᵀ are smallest where the longer side is the second.
  const isTall = rows > columns;
  const wide = isTall ? tf.transpose(matrices, [0, 2, 1]) : matrices;
  const norm = tf.sqrt(tf.sum(tf.square(wide), [1, 2], true));
  let x = tf.div(wide, tf.add(tf.mul(norm, MARGIN[polynomial]), TINY));
  const polynomials: readonly Quintic[] = POLYNOMIALS[polynomial];
  for (let step = 0; step < steps; step++) {
    const [a, b, c] = polynomials[Math.min(step, polynomials.length - 1)];
    const gram = tf.matMul(x, x, false, true);
    const inner = tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c));
    x = tf.add(tf.mul(x, a), tf.matMul(inner, x));
  }
  return isTall ? tf.transpose(x, [0, 2, 1]) : x;
}
