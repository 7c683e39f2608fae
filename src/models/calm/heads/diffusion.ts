/**
 * The diffusion head (paper §3, compared in Figures 8 and 9): improved DDPM in 1,000 steps, sampled in fewer.
 * n = numSamples targets a position · N candidates · R positions · L latent.  The network: adaln-network.ts,
 * the process: math/diffusion.ts.
 */

import {
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  tensorOf,
  tf,
} from '../../../engine/index.ts';
import {
  binnedLogLikelihood,
  cosineBetas,
  type DiffusionSchedule,
  detach,
  normalKl,
  posteriorMean,
  type Reverse,
  respace,
  reverseStep,
  type StepNumbers,
  scheduleOf,
} from '../../../math/index.ts';
import { addNoise, type PatchGaussians } from '../../autoencoder/autoencoder.ts';
import { adaLnFlops, adaLnTable, runAdaLn } from './adaln-network.ts';
import { type DiffusionOptions, type DiffusionSampling, NUM_STEPS } from './diffusion-description.ts';
import type { Head, HeadConfig, HeadFlops, HeadSampler, Streams } from './head.ts';
import { positionMean } from './position-mean.ts';

type Config = HeadConfig<DiffusionOptions>;

const trainingSchedule = scheduleOf(cosineBetas(NUM_STEPS));

/** The schedule that a sampler of so many steps goes through. */
export function samplingSchedule(numSteps: number): DiffusionSchedule {
  return respace(trainingSchedule.betas, numSteps);
}

/** Noise that is predicted, and where the log variance lies between its bounds: each the shape of x. */
function predict(
  parameters: TensorMap,
  config: Config,
  x: Tensor,
  time: Tensor,
  hidden: Tensor,
): { noise: Tensor; variance: Tensor } {
  const parts = tf.split(runAdaLn(parameters, config, x, time, hidden), 2, -1);
  const [noise, variance] = parts as [Tensor, Tensor];
  return { noise, variance };
}

/**
 * MSE of the predicted noise + variational bound (bits a dimension) for the variance, in which the mean is
 * detached; averaged over targets.
 * At t = 0 the bound is a binned likelihood, as the reference has it.
 * @param draws `targetNoise` standard normal [n, positions, latent]; `time` int32 [n, positions] in 0 … 999;
 * `noise` standard normal [n, positions, latent]
 */
function diffusionLoss(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  targets: PatchGaussians,
  draws: TensorMap,
  weights?: Tensor,
): LossOutputs {
  const start = addNoise(targets, tensorOf(draws, 'targetNoise'));
  const { mse, bound } = diffusionTerms(
    parameters,
    config,
    hidden,
    start,
    tensorOf(draws, 'time'),
    tensorOf(draws, 'noise'),
  );
  const [meanMse, meanBound] = [positionMean(mse, weights), positionMean(bound, weights)];
  return { loss: tf.add(meanMse, meanBound), mse: meanMse, bound: meanBound };
}

/** The two terms for each target, [n, positions]. @param start x₀, [n, positions, latent] */
export function diffusionTerms(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  start: Tensor,
  time: Tensor,
  noise: Tensor,
) {
  const pick = (numbers: readonly number[]) => {
    const table = floatTensor(Float32Array.from(numbers), [NUM_STEPS]);
    return tf.reshape(tf.gather(table, tf.reshape(time, [-1]) as tf.Tensor1D), [...time.shape, 1]);
  };
  const x = tf.add(
    tf.mul(pick(trainingSchedule.signalRate), start),
    tf.mul(pick(trainingSchedule.noiseRate), noise),
  );
  const predicted = predict(parameters, config, x, tf.cast(time, 'float32'), hidden);
  const mse = tf.mean(tf.square(tf.sub(noise, predicted.noise)), -1);
  const numbers: StepNumbers = {
    recipSignal: pick(trainingSchedule.recipSignal),
    recipNoise: pick(trainingSchedule.recipNoise),
    coefX0: pick(trainingSchedule.coefX0),
    coefXt: pick(trainingSchedule.coefXt),
    minLogVariance: pick(trainingSchedule.minLogVariance),
    maxLogVariance: pick(trainingSchedule.maxLogVariance),
  };
  const reverse = reverseStep(x, detach(predicted.noise), predicted.variance, numbers);
  return { mse, bound: variationalBound(start, x, reverse, numbers, time) };
}

/**
 * KL of the true posterior from the model's, in bits a dimension; at t = 0 the negative log likelihood of x₀.
 */
function variationalBound(
  start: Tensor,
  x: Tensor,
  { mean, logVariance }: Reverse,
  numbers: StepNumbers,
  time: Tensor,
): Tensor {
  const kl = tf.mean(
    normalKl(posteriorMean(start, x, numbers), numbers.minLogVariance, mean, logVariance),
    -1,
  );
  const likelihood = tf.neg(tf.mean(binnedLogLikelihood(start, mean, tf.mul(logVariance, 0.5)), -1));
  return tf.div(tf.where(tf.equal(tf.cast(time, 'float32'), 0), likelihood, kl), Math.LN2);
}

function drawTraining(
  { latentSize, head: { numSamples } }: Config,
  positions: number,
  streams: Streams,
): TensorMap {
  const shape = [numSamples, positions, latentSize];
  const steps = streams('time');
  return {
    targetNoise: floatTensor(streams('targets').normals(numSamples * positions * latentSize), shape),
    time: intTensor(
      Int32Array.from({ length: numSamples * positions }, () => steps.nextInteger(NUM_STEPS)),
      [numSamples, positions],
    ),
    noise: floatTensor(streams('noise').normals(numSamples * positions * latentSize), shape),
  };
}

/** The numbers that a sampling step reads, in the order of `stepNumbers`. */
const COLUMNS = [
  'recipSignal',
  'recipNoise',
  'coefX0',
  'coefXt',
  'minLogVariance',
  'maxLogVariance',
  'timesteps',
] as const;

/** Step `index` of a schedule as one tensor, so that one graph serves all steps. */
export function stepNumbers(schedule: DiffusionSchedule, index: number): Tensor {
  return floatTensor(
    Float32Array.from(COLUMNS, (column) => schedule[column][index] as number),
    [COLUMNS.length],
  );
}

/**
 * One step back: the Gaussian of x_{t−1}.
 * @param x [candidates, positions, latent]
 * @param numbers of stepNumbers
 */
export function stepBack(
  parameters: TensorMap,
  config: Config,
  x: Tensor,
  numbers: Tensor,
  hidden: Tensor,
): Reverse {
  const parts = tf.split(numbers, COLUMNS.length);
  const at = Object.fromEntries(COLUMNS.map((column, i) => [column, parts[i]])) as Record<
    (typeof COLUMNS)[number],
    Tensor
  >;
  const { noise, variance } = predict(parameters, config, x, tf.reshape(at.timesteps, [1, 1]), hidden);
  return reverseStep(x, noise, variance, at);
}

type StepInputs = {
  readonly parameters: TensorMap;
  readonly hidden: Tensor;
  readonly x: Tensor;
  readonly numbers: Tensor;
  readonly noise: Tensor;
};

function sampler(engine: Engine, config: Config, sampling: DiffusionSampling): HeadSampler {
  const schedule = samplingSchedule(sampling.steps);
  const numSteps = schedule.betas.length;
  const factor = sampling.noiseTemperature;
  const step = engine.compile(
    ({ parameters, hidden, x, numbers, noise }: StepInputs) => {
      const { mean, logVariance } = stepBack(parameters, config, x, numbers, hidden);
      return { x: tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)) };
    },
    { constants: ['parameters'] },
  );
  return async (parameters, hidden, noise) => {
    const positions = hidden.shape[0];
    const size = noise.length / numSteps;
    const shape = [size / (positions * config.latentSize), positions, config.latentSize];
    let x = floatTensor(noise.slice(0, size), shape);
    for (let index = numSteps - 1; index >= 0; index--) {
      const from = (numSteps - index) * size;
      // The last step adds none.
      const added =
        index === 0 ? new Float32Array(size) : noise.slice(from, from + size).map((z) => z * factor);
      const inputs = {
        parameters,
        hidden,
        x,
        numbers: stepNumbers(schedule, index),
        noise: floatTensor(added, shape),
      };
      const next = await step(inputs);
      disposeTree({ x, numbers: inputs.numbers, noise: inputs.noise });
      x = next.x;
    }
    return x;
  };
}

const table = (config: Config) => adaLnTable(config, 2);

function flops(config: Config, { steps }: DiffusionSampling): HeadFlops {
  return adaLnFlops(table(config), config.head.numSamples, samplingSchedule(steps).betas.length);
}

/**
 * Noise layout: [steps, candidates, positions, latent], standard normal: x_T, then what each step but the
 * last adds.
 */
export const diffusionHead: Head<DiffusionOptions, DiffusionSampling> = {
  table,
  drawTraining,
  loss: diffusionLoss,
  takesWeights: true,
  noiseSize: ({ latentSize }, { steps }) => samplingSchedule(steps).betas.length * latentSize,
  noiseWidth: ({ latentSize }) => latentSize,
  drawNoise: (stream, size) => stream.normals(size),
  sampler,
  flops,
};
