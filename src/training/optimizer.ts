/**
 * AdamW with global-norm clipping, as pure functions of tensors: (parameters, moments, gradients) → (parameters, moments). Numbers that change with
 * the step are tensors, so that a traced step stays valid.
 */

import { applyAdamW, floatTensor, type TensorMap, tf } from '../engine/index.ts';
import { NO_LIMITS, type StepLimits } from './step-watch.ts';

export interface OptimizerConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Applied to matrices and embeddings, not to biases and norm weights. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm. */
  readonly maxGradNorm: number;
}

/** Source: paper §7.1. */
export const OPTIMIZER_DEFAULTS: OptimizerConfig = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};

/** First and second moments of every parameter, under its name. A type, so that it fits a tensor tree. */
export type Moments = {
  readonly first: TensorMap;
  readonly second: TensorMap;
};

/** What changes from step to step, as scalars. A type, not an interface, so that it fits a tensor tree. */
export type StepScalars = {
  readonly learningRate: tf.Tensor;
  /** 1 − β₁ᵗ. */
  readonly correction1: tf.Tensor;
  /** 1 − β₂ᵗ. */
  readonly correction2: tf.Tensor;
  /** A step whose loss or gradient norm is above these, or is not a number, changes nothing. */
  readonly lossLimit: tf.Tensor;
  readonly normLimit: tf.Tensor;
};

export function zeroMoments(parameters: TensorMap): Moments {
  // Fresh arrays, not tf.zeros: what was never written takes no memory yet.
  const zeros = () => mapTensors(parameters, ({ shape, size }) => floatTensor(new Float32Array(size), shape));
  return { first: zeros(), second: zeros() };
}

/** @param step counts from 1 */
export function stepScalars(
  config: OptimizerConfig,
  learningRate: number,
  step: number,
  limits: StepLimits = NO_LIMITS,
): StepScalars {
  const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
  return {
    learningRate: scalar(learningRate),
    correction1: scalar(1 - config.beta1 ** step),
    correction2: scalar(1 - config.beta2 ** step),
    lossLimit: scalar(limits.loss),
    normLimit: scalar(limits.norm),
  };
}

/**
 * The factor that brings gradients to a global norm: min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ has it.
 * @returns the factor, for adamW, and the norm before
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
  { lossLimit, normLimit }: StepScalars,
): tf.Tensor {
  return tf.where(
    tf.logicalAnd(tf.lessEqual(loss, lossLimit), tf.lessEqual(norm, normLimit)),
    scale,
    tf.zerosLike(scale),
  );
}

/**
 * One step of AdamW (see applyAdamW).
 * @param scale what the gradients are multiplied by; 0 leaves everything as it is
 * @param isDecayed says which parameters the weight decay applies to
 */
export function adamW(
  parameters: TensorMap,
  moments: Moments,
  gradients: TensorMap,
  scale: tf.Tensor,
  {
    learningRate,
    correction1,
    correction2,
  }: Pick<StepScalars, 'learningRate' | 'correction1' | 'correction2'>,
  { beta1, beta2, epsilon, weightDecay }: OptimizerConfig,
  isDecayed: (name: string) => boolean,
): { parameters: TensorMap; moments: Moments } {
  const [updated, first, second]: TensorMap[] = [{}, {}, {}];
  for (const [name, parameter] of Object.entries(parameters)) {
    const inputs = {
      parameter,
      first: moments.first[name],
      second: moments.second[name],
      gradient: gradients[name],
      scale,
      learningRate,
      correction1,
      correction2,
    };
    const decay = isDecayed(name) ? weightDecay : 0;
    [updated[name], first[name], second[name]] = applyAdamW(inputs, {
      beta1,
      beta2,
      epsilon,
      weightDecay: decay,
    });
  }
  return { parameters: updated, moments: { first, second } };
}

export function mapTensors(tensors: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));
}
