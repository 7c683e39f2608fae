/**
 * The flow-matching head (paper §3, compared in Figures 8 and 9): the velocity of straight lines from noise
 * to targets.
 * n = numSamples targets a position · N candidates · R positions · L latent.  The network: adaln-network.ts.
 */

import {
  disposeTree,
  type Engine,
  floatTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  tensorOf,
  tf,
} from '../../../engine/index.ts';
import { addNoise, type PatchGaussians } from '../../autoencoder/autoencoder.ts';
import { adaLnFlops, adaLnTable, runAdaLn } from './adaln-network.ts';
import type { FlowOptions, FlowSampling } from './flow-description.ts';
import type { Head, HeadConfig, HeadFlops, HeadSampler, Streams } from './head.ts';
import { positionMean } from './position-mean.ts';

type Config = HeadConfig<FlowOptions>;

/** What the network sees of a time in [0, 1]: ⌊1000 t⌋, in float32 as the reference. */
export function networkTime(t: number): number {
  return Math.trunc(Math.fround(1000 * Math.fround(t)));
}

/** The time in the middle of a step, in float32 as the reference adds it up: ⌊1000 t⌋ can hang on it. */
export function middleOf(step: number, numSteps: number): number {
  return Math.fround(Math.fround(step / numSteps) + Math.fround(0.5 / numSteps));
}

/**
 * mean ‖v(x_t, t, h) − (target − x₀)‖² with x_t = (1 − t) x₀ + t·target, averaged over targets.
 * @param draws `targetNoise` standard normal [n, positions, latent]; `start` x₀, likewise; `time` t in [0,
 * 1), `networkTime` ⌊1000 t⌋, both [n, positions]
 */
function flowLoss(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  targets: PatchGaussians,
  draws: TensorMap,
  weights?: Tensor,
): LossOutputs {
  const target = addNoise(targets, tensorOf(draws, 'targetNoise'));
  return { loss: positionMean(flowErrors(parameters, config, hidden, target, draws), weights) };
}

/**
 * The squared error of each target, averaged over dimensions, [n, positions].
 * @param target [n, positions, latent]
 */
export function flowErrors(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  target: Tensor,
  draws: TensorMap,
): Tensor {
  const t = tf.expandDims(tensorOf(draws, 'time'), -1);
  const x = tf.add(tf.mul(tf.sub(1, t), tensorOf(draws, 'start')), tf.mul(t, target));
  const velocity = runAdaLn(parameters, config, x, tensorOf(draws, 'networkTime'), hidden);
  return tf.mean(tf.square(tf.sub(velocity, tf.sub(target, tensorOf(draws, 'start')))), -1);
}

function drawTraining(
  { latentSize, head: { numSamples } }: Config,
  positions: number,
  streams: Streams,
): TensorMap {
  const shape = [numSamples, positions, latentSize];
  const times = streams('time').uniforms(numSamples * positions);
  return {
    targetNoise: floatTensor(streams('targets').normals(numSamples * positions * latentSize), shape),
    start: floatTensor(streams('start').normals(numSamples * positions * latentSize), shape),
    time: floatTensor(times, [numSamples, positions]),
    networkTime: floatTensor(times.map(networkTime), [numSamples, positions]),
  };
}

type StepInputs = {
  readonly parameters: TensorMap;
  readonly hidden: Tensor;
  readonly x: Tensor;
  readonly times: Tensor;
  readonly size: Tensor;
};

function sampler(engine: Engine, config: Config, sampling: FlowSampling): HeadSampler {
  const { steps: numSteps, method, noiseTemperature } = sampling;
  const step = engine.compile(
    ({ parameters, hidden, x, times, size }: StepInputs) => {
      const [begin, middle] = tf.split(tf.reshape(times, [2, 1]), 2) as [Tensor, Tensor];
      const velocity = (at: Tensor, time: Tensor) => runAdaLn(parameters, config, at, time, hidden);
      const first = velocity(x, begin);
      if (method === 'euler') return { x: tf.add(x, tf.mul(first, size)) };
      return { x: tf.add(x, tf.mul(velocity(tf.add(x, tf.mul(first, tf.mul(size, 0.5))), middle), size)) };
    },
    { constants: ['parameters'] },
  );
  return async (parameters, hidden, noise) => {
    const positions = hidden.shape[0];
    const start = noiseTemperature === 1 ? noise : noise.map((z) => z * noiseTemperature);
    let x = floatTensor(start, [
      noise.length / (positions * config.latentSize),
      positions,
      config.latentSize,
    ]);
    const size = floatTensor(Float32Array.of(1 / numSteps), []);
    for (let i = 0; i < numSteps; i++) {
      const times = floatTensor(
        Float32Array.of(networkTime(i / numSteps), networkTime(middleOf(i, numSteps))),
        [2],
      );
      const next = await step({ parameters, hidden, x, times, size });
      disposeTree({ x, times });
      x = next.x;
    }
    size.dispose();
    return x;
  };
}

const table = (config: Config) => adaLnTable(config, 1);

function flops(config: Config, { steps, method }: FlowSampling): HeadFlops {
  return adaLnFlops(table(config), config.head.numSamples, (method === 'euler' ? 1 : 2) * steps);
}

/** Noise layout: [candidates, positions, latent], standard normal. */
export const flowHead: Head<FlowOptions, FlowSampling> = {
  table,
  drawTraining,
  loss: flowLoss,
  takesWeights: true,
  noiseSize: ({ latentSize }) => latentSize,
  drawNoise: (stream, size) => stream.normals(size),
  sampler,
  flops,
};
