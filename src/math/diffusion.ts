/**
 * Improved DDPM (Nichol & Dhariwal 2021): a cosine schedule, noise prediction, a variance learned between its
 * two bounds. Numbers of the schedule are made
 * in float64 and rounded once.  S steps · L latent.
 */

import { elementAt } from '../elements.ts';
import { type Tensor, tf } from '../engine/index.ts';

/** What each step of a process needs; all arrays have one entry a step, from the least noise to the most. */
export interface DiffusionSchedule {
  /** The step of the original process that the network is told of. */
  readonly timesteps: readonly number[];
  readonly betas: readonly number[];
  readonly alphasCumprod: readonly number[];
  /** √ᾱ and √(1 − ᾱ): x_t = √ᾱ x₀ + √(1 − ᾱ) ε. */
  readonly signalRate: readonly number[];
  readonly noiseRate: readonly number[];
  /** √(1/ᾱ) and √(1/ᾱ − 1): x₀ = √(1/ᾱ) x_t − √(1/ᾱ − 1) ε. */
  readonly recipSignal: readonly number[];
  readonly recipNoise: readonly number[];
  /** q(x_{t−1} | x_t, x₀) has the mean coefX0·x₀ + coefXt·x_t. */
  readonly coefX0: readonly number[];
  readonly coefXt: readonly number[];
  /**
   * The two bounds of the log variance: of the posterior (its first value replaced by the second's) and log
   * β.
   */
  readonly minLogVariance: readonly number[];
  readonly maxLogVariance: readonly number[];
}

const MAX_BETA = 0.999;

/** β_t of the cosine schedule: ᾱ(t) = cos²((t + 0.008)/1.008 · π/2), no β above 0.999. */
export function cosineBetas(numSteps: number): number[] {
  const alphaBar = (t: number) => Math.cos(((t + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  return Array.from({ length: numSteps }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / numSteps) / alphaBar(i / numSteps), MAX_BETA),
  );
}

/** The schedule of given betas. @param timesteps of the original process; 0, 1, 2, … where absent */
export function scheduleOf(
  betas: readonly number[],
  timesteps: readonly number[] = betas.map((_, i) => i),
): DiffusionSchedule {
  let product = 1;
  const alphasCumprod = betas.map((beta) => (product *= 1 - beta));
  const steps = betas.map((beta, i) => {
    const before = i === 0 ? 1 : elementAt(alphasCumprod, i - 1);
    return { beta, before, after: elementAt(alphasCumprod, i) };
  });
  const posterior = steps.map(({ beta, before, after }) => (beta * (1 - before)) / (1 - after));
  return {
    timesteps,
    betas,
    alphasCumprod,
    signalRate: alphasCumprod.map(Math.sqrt),
    noiseRate: alphasCumprod.map((a) => Math.sqrt(1 - a)),
    recipSignal: alphasCumprod.map((a) => Math.sqrt(1 / a)),
    recipNoise: alphasCumprod.map((a) => Math.sqrt(1 / a - 1)),
    coefX0: steps.map(({ beta, before, after }) => (beta * Math.sqrt(before)) / (1 - after)),
    coefXt: steps.map(({ beta, before, after }) => ((1 - before) * Math.sqrt(1 - beta)) / (1 - after)),
    minLogVariance: posterior.map((first, i) => Math.log(i === 0 ? (posterior[1] ?? first) : first)),
    maxLogVariance: betas.map(Math.log),
  };
}

/**
 * The same process in fewer steps, spread evenly over the old ones from the first to the last; each new β
 * spans those that are left out.
 */
export function respace(betas: readonly number[], numSteps: number): DiffusionSchedule {
  const kept = evenSteps(betas.length, numSteps);
  const { alphasCumprod } = scheduleOf(betas);
  const products = kept.map((step) => elementAt(alphasCumprod, step));
  const newBetas = products.map((product, i) => 1 - product / (products[i - 1] ?? 1));
  return scheduleOf(newBetas, kept);
}

/** 0 … last, halves rounded to even as Python does; the reference adds up a stride. */
function evenSteps(total: number, count: number): number[] {
  const stride = count <= 1 ? 1 : (total - 1) / (count - 1);
  let at = 0;
  const steps = Array.from({ length: count }, () => {
    const step = roundHalfToEven(at);
    at += stride;
    return step;
  });
  return [...new Set(steps)];
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}

/** A Gaussian of the reverse process. */
export interface Reverse {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
  /** The x₀ that the predicted noise implies. */
  readonly start: Tensor;
}

/** The numbers of one step, or of each element's own, as tensors that broadcast against x. */
export type StepNumbers = Readonly<
  Record<'recipSignal' | 'recipNoise' | 'coefX0' | 'coefXt' | 'minLogVariance' | 'maxLogVariance', Tensor>
>;

/**
 * p(x_{t−1} | x_t): the mean from the predicted noise ε, the log variance v between its bounds by (v + 1)/2.
 * x₀ is not clipped.
 * @param noise ε, the shape of x
 * @param variance v, the shape of x
 */
export function reverseStep(x: Tensor, noise: Tensor, variance: Tensor, at: StepNumbers): Reverse {
  const start = tf.sub(tf.mul(at.recipSignal, x), tf.mul(at.recipNoise, noise));
  const share = tf.div(tf.add(variance, 1), 2);
  const logVariance = tf.add(tf.mul(share, at.maxLogVariance), tf.mul(tf.sub(1, share), at.minLogVariance));
  return { mean: posteriorMean(start, x, at), logVariance, start };
}

/** The mean of q(x_{t−1} | x_t, x₀). */
export function posteriorMean(start: Tensor, x: Tensor, at: Pick<StepNumbers, 'coefX0' | 'coefXt'>): Tensor {
  return tf.add(tf.mul(at.coefX0, start), tf.mul(at.coefXt, x));
}

/** KL of N(mean1, exp(log1)) from N(mean2, exp(log2)), in nats, element by element. */
export function normalKl(mean1: Tensor, log1: Tensor, mean2: Tensor, log2: Tensor): Tensor {
  const spread = tf.add(
    tf.exp(tf.sub(log1, log2)),
    tf.mul(tf.square(tf.sub(mean1, mean2)), tf.exp(tf.neg(log2))),
  );
  return tf.mul(tf.add(tf.sub(tf.sub(log2, log1), 1), spread), 0.5);
}

/**
 * Half the width of a bin: the likelihood is that of 8-bit images, and the reference keeps it for latents.
 */
const HALF_BIN = 1 / 255;
const EDGE = 0.999;
const TINY = 1e-12;

/**
 * log of the probability that N(mean, exp(logScale)²) gives to the bin of width 2/255 around x; beyond ±0.999
 * to all that lies outwards.
 * In nats, element by element.
 */
export function binnedLogLikelihood(x: Tensor, mean: Tensor, logScale: Tensor): Tensor {
  const centred = tf.sub(x, mean);
  const inverse = tf.exp(tf.neg(logScale));
  const below = normalCdf(tf.mul(inverse, tf.add(centred, HALF_BIN)));
  const above = normalCdf(tf.mul(inverse, tf.sub(centred, HALF_BIN)));
  const log = (p: Tensor) => tf.log(tf.maximum(p, TINY));
  const inner = log(tf.sub(below, above));
  return tf.where(tf.less(x, -EDGE), log(below), tf.where(tf.greater(x, EDGE), log(tf.sub(1, above)), inner));
}

/** ½ (1 + tanh(√(2/π)(x + 0.044715 x³))), a fast approximation, which is a sigmoid. */
function normalCdf(x: Tensor): Tensor {
  const inner = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  return tf.sigmoid(tf.mul(inner, 2 * Math.sqrt(2 / Math.PI)));
}
