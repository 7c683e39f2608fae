/**
 * The energy head (paper §3.2): one step from noise and hidden state to a latent sample.
 * N samples · R positions · M targets · Z noise · C channels (= hidden size) · L latent.  Names under
 * `mlp_generator.`
 */

import {
  type Engine,
  floatTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  tensorOf,
  tf,
} from '../../../engine/index.ts';
import { energyParts, gatedSilu, layerNorm, linear, silu } from '../../../math/index.ts';
import { addNoise, type PatchGaussians } from '../../autoencoder/autoencoder.ts';
import { countMatrices, linearSpec, normSpec, type ParameterTable } from '../../parameters.ts';
import type { EnergyOptions } from './energy-description.ts';
import type { Head, HeadConfig, HeadFlops, HeadSampler, Streams } from './head.ts';
import { positionMean } from './position-mean.ts';

type Config = HeadConfig<EnergyOptions>;

const HEAD = 'mlp_generator';

/** M in measurements on held-out sequences: hard-coded in the reference (paper §7.4). */
export const NUM_HELD_OUT_TARGETS = 100;

function energyHeadTable(config: Config): ParameterTable {
  const { hiddenSize: channels, latentSize } = config;
  const { noiseSize, numMlpLayers } = config.head;
  const block = (name: string) => ({
    ...normSpec(`${name}.in_ln`, channels, true),
    ...linearSpec(`${name}.linears.0`, 2 * channels, channels, true),
    ...linearSpec(`${name}.linears.2`, channels, channels, true),
    ...linearSpec(`${name}.linears.4`, channels, 2 * channels, true),
    ...linearSpec(`${name}.down_proj`, channels, channels, true),
  });
  return {
    ...linearSpec(`${HEAD}.noise_embd`, noiseSize, channels, true),
    ...linearSpec(`${HEAD}.hidden_embd`, channels, channels, true),
    ...normSpec(`${HEAD}.norm_hidden`, channels, true),
    ...normSpec(`${HEAD}.norm_noise`, channels, true),
    ...Object.assign({}, ...Array.from({ length: numMlpLayers }, (_, i) => block(`${HEAD}.mlp_blocks.${i}`))),
    ...normSpec(`${HEAD}.final_layer.in_ln`, channels, true),
    ...linearSpec(`${HEAD}.final_layer.linears.0`, channels, channels, true),
    // The last layer starts at zero, so all samples coincide at first.
    ...linearSpec(`${HEAD}.final_layer.linears.2`, channels, latentSize, true, 'zeros'),
  };
}

/**
 * Latent samples. What depends on the position alone (the embedded hidden state, and its part of each block's
 * first product) is computed once a
 * position and broadcast over the samples: Linear(cat(LN(x), y)) = W_x LN(x) + (W_y y + b).
 * @param hidden [positions, hidden]
 * @param noise uniform in [−½, ½), [samples, positions, noise]
 * @returns [samples, positions, latent]
 */
export function sampleEnergyHead(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  noise: Tensor,
): Tensor {
  const apply = (name: string, x: Tensor) =>
    linear(x, tensorOf(parameters, `${HEAD}.${name}.weight`), tensorOf(parameters, `${HEAD}.${name}.bias`));
  const norm = (name: string, x: Tensor) =>
    layerNorm(
      x,
      tensorOf(parameters, `${HEAD}.${name}.weight`),
      tensorOf(parameters, `${HEAD}.${name}.bias`),
    );
  const condition = norm('norm_hidden', apply('hidden_embd', hidden));
  let x = norm('norm_noise', apply('noise_embd', noise));
  for (let i = 0; i < config.head.numMlpLayers; i++) {
    const block = `mlp_blocks.${i}`;
    const first = conditionedLinear(
      parameters,
      `${HEAD}.${block}.linears.0`,
      norm(`${block}.in_ln`, x),
      condition,
    );
    const [gate, up] = splitLinear(
      parameters,
      `${HEAD}.${block}.linears.4`,
      silu(apply(`${block}.linears.2`, silu(first))),
    );
    x = tf.add(x, apply(`${block}.down_proj`, gatedSilu(gate, up)));
  }
  return apply('final_layer.linears.2', silu(apply('final_layer.linears.0', norm('final_layer.in_ln', x))));
}

/** Linear(cat(x, condition)), x [samples, positions, C], condition [positions, C]. */
function conditionedLinear(parameters: TensorMap, name: string, x: Tensor, condition: Tensor): Tensor {
  const weight = tensorOf(parameters, `${name}.weight`);
  const channels = weight.shape[0];
  const [forSample, forPosition] = tf.split(weight, [channels, channels], 1) as [Tensor, Tensor];
  return tf.add(linear(x, forSample), linear(condition, forPosition, tensorOf(parameters, `${name}.bias`)));
}

/** The two halves of a Linear's output. The weight is split instead of the product: it is smaller. */
function splitLinear(parameters: TensorMap, name: string, x: Tensor): [Tensor, Tensor] {
  const halves = (part: 'weight' | 'bias') =>
    tf.split(tensorOf(parameters, `${name}.${part}`), 2, 0) as [Tensor, Tensor];
  const [firstWeight, secondWeight] = halves('weight');
  const [firstBias, secondBias] = halves('bias');
  return [linear(x, firstWeight, firstBias), linear(x, secondWeight, secondBias)];
}

/**
 * The energy loss (eq. 10) of N samples a position against M draws of the target, and its two terms for the
 * log: fidelity 2·E‖x−y‖^β and diversity E‖x−x′‖^β.
 * @param draws `noise` uniform in [−½, ½), [N, positions, noise]; `targetNoise` standard normal, [positions,
 * M, latent]
 */
function energyHeadLoss(
  parameters: TensorMap,
  config: Config,
  hidden: Tensor,
  targets: PatchGaussians,
  draws: TensorMap,
  weights?: Tensor,
): LossOutputs {
  const samples = tf.transpose(
    sampleEnergyHead(parameters, config, hidden, tensorOf(draws, 'noise')),
    [1, 0, 2],
  );
  return energyTerms(samples, targets, tensorOf(draws, 'targetNoise'), config.head.beta, weights);
}

/**
 * The energy loss of any samples, averaged over positions.
 * @param samples [positions, N, latent]
 * @param targetNoise [positions, M, latent]
 * @param weights of the positions, adding up to 1; all the same where absent
 */
export function energyTerms(
  samples: Tensor,
  { mean, logStd }: PatchGaussians,
  targetNoise: Tensor,
  beta: number,
  weights?: Tensor,
) {
  const targets = addNoise({ mean: tf.expandDims(mean, 1), logStd: tf.expandDims(logStd, 1) }, targetNoise);
  const parts = energyParts(samples, targets, beta);
  const fidelity = positionMean(parts.fidelity, weights);
  const diversity = positionMean(parts.diversity, weights);
  return { loss: tf.sub(fidelity, diversity), fidelity, diversity };
}

function draw(config: Config, positions: number, numTargets: number, streams: Streams): TensorMap {
  const { latentSize } = config;
  const { numSamples, noiseSize } = config.head;
  return {
    noise: floatTensor(streams('noise').uniforms(numSamples * positions * noiseSize, -0.5), [
      numSamples,
      positions,
      noiseSize,
    ]),
    targetNoise: floatTensor(streams('targets').normals(positions * numTargets * latentSize), [
      positions,
      numTargets,
      latentSize,
    ]),
  };
}

type Inputs = { readonly parameters: TensorMap; readonly hidden: Tensor; readonly noise: Tensor };

function sampler(engine: Engine, config: Config): HeadSampler {
  const step = (given: Inputs) => ({
    latents: sampleEnergyHead(given.parameters, config, given.hidden, given.noise),
  });
  const run = engine.compile(step, { constants: ['parameters'] });
  return async (parameters, hidden, noise) => {
    const positions = hidden.shape[0];
    const noiseTensor = floatTensor(noise, [
      noise.length / (positions * config.head.noiseSize),
      positions,
      config.head.noiseSize,
    ]);
    const { latents } = await run({ parameters, hidden, noise: noiseTensor });
    noiseTensor.dispose();
    return latents;
  };
}

/**
 * What depends on the position alone is done once: the embedded hidden state, and half of each block's first
 * matrix.
 */
function flops(config: Config): HeadFlops {
  const table = energyHeadTable(config);
  const isOnce = (name: string) => name.startsWith(`${HEAD}.hidden_embd`);
  const isHalf = (name: string) => name.startsWith(`${HEAD}.mlp_blocks`) && name.endsWith('linears.0.weight');
  const once = countMatrices(table, isOnce) + countMatrices(table, isHalf) / 2;
  const each = countMatrices(table) - once;
  return { training: 2 * (once + config.head.numSamples * each), inference: 2 * (once + each) };
}

/** Noise layout: [candidates, positions, noise], uniform in [−½, ½). */
export const energyHead: Head<EnergyOptions, object> = {
  table: energyHeadTable,
  drawTraining: (config, positions, streams) =>
    draw(config, positions, config.head.numTargetSamples, streams),
  drawHeldOut: (config, positions, streams) => draw(config, positions, NUM_HELD_OUT_TARGETS, streams),
  loss: energyHeadLoss,
  takesWeights: true,
  noiseSize: ({ head }) => head.noiseSize,
  drawNoise: (stream, size) => stream.uniforms(size, -0.5),
  sampler,
  flops,
};
