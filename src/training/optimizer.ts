/**
 * AdamW with global-norm clipping, as pure functions of tensors: (parameters, moments, gradients) → (parameters, moments). Numbers that change with
 * the step are tensors, so that a traced step stays valid.
 */

import { floatTensor, type TensorMap, tf } from '../engine/index.ts';

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
export const OPTIMIZER_DEFAULTS: OptimizerConfig = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };

/** First and second moments of all parameters in one row each, [numbers]: one operation serves them all. A type, so that it fits a tensor tree. */
export type Moments = {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
};

/** What changes from step to step, as scalars. A type, not an interface, so that it fits a tensor tree. */
export type StepScalars = {
  readonly learningRate: tf.Tensor;
  /** 1 − β₁ᵗ. */
  readonly correction1: tf.Tensor;
  /** 1 − β₂ᵗ. */
  readonly correction2: tf.Tensor;
};

export function zeroMoments(parameters: TensorMap): Moments {
  const size = Object.values(parameters).reduce((sum, tensor) => sum + tensor.size, 0);
  return { first: tf.zeros([size]), second: tf.zeros([size]) };
}

/** All tensors of a map in one row, in its order: [numbers]. */
export function flatten(tensors: TensorMap): tf.Tensor {
  return tf.concat(Object.values(tensors).map((tensor) => tf.reshape(tensor, [-1]) as tf.Tensor1D));
}

/** The row cut up again, with the names and shapes of another map. */
export function unflatten(row: tf.Tensor, like: TensorMap): TensorMap {
  const tensors = Object.values(like);
  if (tensors.length === 1) return { [Object.keys(like)[0]]: tf.reshape(row, tensors[0].shape) };
  const parts = tf.split(
    row,
    tensors.map(({ size }) => size),
  );
  return Object.fromEntries(Object.keys(like).map((name, i) => [name, tf.reshape(parts[i], tensors[i].shape)]));
}

/** @param step counts from 1 */
export function stepScalars(config: OptimizerConfig, learningRate: number, step: number): StepScalars {
  const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
  return { learningRate: scalar(learningRate), correction1: scalar(1 - config.beta1 ** step), correction2: scalar(1 - config.beta2 ** step) };
}

/** Scales a gradient by min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ does. `norm` is the one before. */
export function clipByNorm(gradient: tf.Tensor, maxNorm: number): { gradient: tf.Tensor; norm: tf.Tensor } {
  const norm = tf.sqrt(tf.sum(tf.square(gradient)));
  return { gradient: tf.mul(gradient, tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1)), norm };
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019, in torch's order): p ← p (1 − lr·wd), then p ← p − lr · m̂ / (√v̂ + ε).
 * @param gradient of all parameters in one row (see flatten)
 * @param isDecayed says which parameters the weight decay applies to
 */
export function adamW(
  parameters: TensorMap,
  { first, second }: Moments,
  gradient: tf.Tensor,
  scalars: StepScalars,
  { beta1, beta2, epsilon, weightDecay }: OptimizerConfig,
  isDecayed: (name: string) => boolean,
): { parameters: TensorMap; moments: Moments } {
  const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const root = tf.add(tf.div(tf.sqrt(v), tf.sqrt(scalars.correction2)), epsilon);
  const updates = unflatten(tf.div(tf.mul(m, tf.div(scalars.learningRate, scalars.correction1)), root), parameters);
  const keep = tf.sub(1, tf.mul(scalars.learningRate, weightDecay));
  const updated = mapTensors(parameters, (parameter, name) => tf.sub(isDecayed(name) ? tf.mul(parameter, keep) : parameter, updates[name]));
  return { parameters: updated, moments: { first: m, second: v } };
}

export function mapTensors(tensors: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));
}
