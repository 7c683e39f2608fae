/**
 * The polar factor U Vᵀ of matrices U Σ Vᵀ, approximately, by products alone: what Muon makes of a momentum.
 * B matrices of one shape · R rows · C columns.
 */

import { elementAt } from '../elements.ts';
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

/** From this ratio of the sides on, squares of the short side are less work than products with the long one. */
const LONG = 1.5;

/** FLOPs of polarFactor for one matrix. */
export function polarFactorFlops(rows: number, columns: number, steps: number): number {
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  const [square, oblong] = [2 * short ** 3, 2 * short ** 2 * long];
  if (!isThroughGram(rows, columns, steps)) return steps * (2 * oblong + square);
  // Each step squares the Gram matrix; all but the last multiply it twice, all but the first their product.
  return 2 * oblong + (steps + 2 * (steps - 1) + (steps - 1)) * square;
}

function isThroughGram(rows: number, columns: number, steps: number): boolean {
  return steps > 1 && Math.max(rows, columns) > LONG * Math.min(rows, columns);
}

/**
 * Brings all singular values of each matrix near 1. Matrices are divided by their Frobenius norm first, so
 * their scale does not matter.
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
  const norm = tf.sqrt(tf.sum(tf.square(matrices), [1, 2], true));
  const x = tf.div(matrices, tf.add(tf.mul(norm, MARGIN[polynomial]), TINY));
  const given: readonly Quintic[] = POLYNOMIALS[polynomial];
  const polynomials = Array.from({ length: steps }, (_, step) =>
    elementAt(given, Math.min(step, given.length - 1)),
  );
  return isThroughGram(rows, columns, steps) ? throughGram(x, polynomials) : directly(x, polynomials);
}

function directly(matrices: Tensor, polynomials: readonly Quintic[]): Tensor {
  let x = matrices;
  for (const [a, ...quadratic] of polynomials)
    x = tf.add(tf.mul(x, a), timesShort(x, withoutConstant(gramOf(x), quadratic)));
  return x;
}

/**
 * The same where one side is long. A step multiplies X by a polynomial of its Gram matrix, and that matrix by
 * its square; all of them commute, so X is multiplied by their product, once.
 */
function throughGram(x: Tensor, polynomials: readonly Quintic[]): Tensor {
  let gram = gramOf(x);
  const unit = tf.eye(gram.shape[1] as number);
  let product: Tensor | undefined;
  polynomials.forEach(([a, ...quadratic], step) => {
    const factor = tf.add(tf.mul(unit, a), withoutConstant(gram, quadratic));
    product = product ? tf.matMul(product, factor) : factor;
    if (step < polynomials.length - 1) gram = tf.matMul(tf.matMul(factor, gram), factor);
  });
  return product ? timesShort(x, product) : x;
}

/** X Xᵀ or Xᵀ X, whichever is smaller. */
function gramOf(x: Tensor): Tensor {
  return isTall(x) ? tf.matMul(x, x, true, false) : tf.matMul(x, x, false, true);
}

/** X times a matrix of the size of its Gram matrix, from the side on which that fits. */
function timesShort(x: Tensor, short: Tensor): Tensor {
  return isTall(x) ? tf.matMul(x, short) : tf.matMul(short, x);
}

/** b A + c A² */
function withoutConstant(gram: Tensor, [b, c]: readonly [number, number]): Tensor {
  return tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c));
}

function isTall({ shape }: Tensor): boolean {
  const [, rows, columns] = shape as [number, number, number];
  return rows > columns;
}
