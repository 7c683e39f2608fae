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

/** First and second moments, under the names of the parameters. */
export interface Moments {
  readonly first: TensorMap;
  readonly second: TensorMap;
}

/** What changes from step to step, as scalars. A type, not an interface, so that it fits a tensor tree. */
export type StepScalars = {
  readonly learningRate: tf.Tensor;
  /** 1 − β₁ᵗ. */
  readonly correction1: tf.Tensor;
  /** 1 − β₂ᵗ. */
  readonly correction2: tf.Tensor;
};

export function zeroMoments(parameters: TensorMap): Moments {
  const zeros = () => mapTensors(parameters, (tensor) => tf.zerosLike(tensor));
  return { first: zeros(), second: zeros() };
}

/** @param step counts from 1 */
export function stepScalars(config: OptimizerConfig, learningRate: number, step: number): StepScalars {
  const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
  return { learningRate: scalar(learningRate), correction1: scalar(1 - config.beta1 ** step), correction2: scalar(1 - config.beta2 ** step) };
}

/** Scales gradients by min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ does. `norm` is the one before. */
export function clipByGlobalNorm(gradients: TensorMap, maxNorm: number): { gradients: TensorMap; norm: tf.Tensor } {
  const norm = tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)))));
  const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
  return { gradients: mapTensors(gradients, (gradient) => tf.mul(gradient, scale)), norm };
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019, in torch's order): p ← p (1 − lr·wd), then p ← p − lr · m̂ / (√v̂ + ε).
 * @param isDecayed says which parameters the weight decay applies to
 */
export function adamW(
  parameters: TensorMap,
  moments: Moments,
  gradients: TensorMap,
  scalars: StepScalars,
  config: OptimizerConfig,
  isDecayed: (name: string) => boolean,
): { parameters: TensorMap; moments: Moments } {
  const { beta1, beta2, epsilon, weightDecay } = config;
  const first = mapTensors(gradients, (gradient, name) => tf.add(tf.mul(moments.first[name], beta1), tf.mul(gradient, 1 - beta1)));
  const second = mapTensors(gradients, (gradient, name) => tf.add(tf.mul(moments.second[name], beta2), tf.mul(tf.square(gradient), 1 - beta2)));
  const stepSize = tf.div(scalars.learningRate, scalars.correction1);
  const rootCorrection = tf.sqrt(scalars.correction2);
  const keep = tf.sub(1, tf.mul(scalars.learningRate, weightDecay));
  const updated = mapTensors(parameters, (parameter, name) => {
    const update = tf.div(first[name], tf.add(tf.div(tf.sqrt(second[name]), rootCorrection), epsilon));
    return tf.sub(isDecayed(name) ? tf.mul(parameter, keep) : parameter, tf.mul(update, stepSize));
  });
  return { parameters: updated, moments: { first, second } };
}

export function mapTensors(tensors: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));
}
