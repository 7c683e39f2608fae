/** Between gradients and the optimiser: clipping, and a scale of 0 for steps that are bad. */

import { floatTensor, type TensorMap, tf } from '../engine/index.ts';
import { type Learnt, type Optimizer, update } from './optimizers/optimizer.ts';
import { NO_LIMITS, type StepLimits } from './step-watch.ts';

/** What changes from step to step, as scalars. A type, not an interface, so that it fits a tensor tree. */
export type StepScalars = {
  readonly learningRate: tf.Tensor;
  /** A step whose loss or gradient norm is above these, or is not a number, changes nothing. */
  readonly lossLimit: tf.Tensor;
  readonly normLimit: tf.Tensor;
  /** The optimiser's own. */
  readonly optimizer: TensorMap;
};

/** @param step counts from 1 */
export function stepScalars(
  optimizer: Optimizer,
  learningRate: number,
  step: number,
  limits: StepLimits = NO_LIMITS,
): StepScalars {
  const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
  const own = Object.entries(optimizer.scalars?.(step) ?? {});
  return {
    learningRate: scalar(learningRate),
    lossLimit: scalar(limits.loss),
    normLimit: scalar(limits.norm),
    optimizer: Object.fromEntries(own.map(([name, value]) => [name, scalar(value)])),
  };
}

/**
 * The factor that brings gradients to a global norm: min(1, maxNorm / (norm + 1e-6)), as
 * torch.nn.utils.clip_grad_norm_ has it.
 * @returns the factor, and the norm before
 */
export function clipByNorm(gradients: TensorMap, maxNorm: number): { scale: tf.Tensor; norm: tf.Tensor } {
  const norm = tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)))));
  return { scale: tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1), norm };
}

/** The factor of a good step as it is, 0 for a bad one. Comparisons with what is not a number are false. */
export function scaleIfGood(
  scale: tf.Tensor,
  loss: tf.Tensor,
  norm: tf.Tensor,
  { lossLimit, normLimit }: Pick<StepScalars, 'lossLimit' | 'normLimit'>,
): tf.Tensor {
  return tf.where(
    tf.logicalAnd(tf.lessEqual(loss, lossLimit), tf.lessEqual(norm, normLimit)),
    scale,
    tf.zerosLike(scale),
  );
}

/** What gradients are applied with. */
export interface Rule {
  readonly optimizer: Optimizer;
  /** Gradients are scaled down to this global norm. */
  readonly maxGradNorm: number;
}

/**
 * The end of every step: clipping, nothing where the step is bad, the optimiser. Pure.
 * @returns what is learnt now, and the norm of the gradients before clipping
 */
export function applyGradients(
  { optimizer, maxGradNorm }: Rule,
  learnt: Learnt,
  gradients: TensorMap,
  loss: tf.Tensor,
  scalars: StepScalars,
): { learnt: Learnt; norm: tf.Tensor } {
  const { scale, norm } = clipByNorm(gradients, maxGradNorm);
  const inputs = {
    ...learnt,
    gradients,
    scale: scaleIfGood(scale, loss, norm, scalars),
    learningRate: scalars.learningRate,
    scalars: scalars.optimizer,
  };
  return { learnt: update(optimizer, inputs), norm };
}
