/**
 * The energy head (paper §3.2): one step from noise and hidden state to a latent sample.
 * N samples · R positions · M targets · Z noise · C channels (= hidden size) · L latent.  Names under `mlp_generator.`
 */

import {
  type Engine,
  floatTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  tf,
} from '../../../engine/index.ts';
import { energyParts, gatedSilu, layerNorm, linear, silu } from '../../../math/index.ts';
import { addNoise, type PatchGaussians } from '../../autoencoder/autoencoder.ts';
import { linearSpec, normSpec, type ParameterTable } from '../../parameters.ts';
import type { CalmConfig } from '../config.ts';
import type { Head, HeadSampler, Streams } from './head.ts';
import { type HeadSampling, refuseOptions } from './sampling.ts';

const HEAD = 'mlp_generator';

function energyHeadTable(config: CalmConfig): ParameterTable {
  const { hiddenSize: channels, noiseSize, latentSize, numMlpLayers } = config;
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
 * Latent samples. What depends on the position alone (the embedded hidden state, and its part of each block's first product) is computed once a
 * position and broadcast over the samples: Linear(cat(LN(x), y)) = W_x LN(x) + (W_y y + b).
 * @param hidden [positions, hidden]
 * @param noise uniform in [−½, ½), [samples, positions, noise]
 * @returns [samples, positions, latent]
 */
export function sampleEnergyHead(
  parameters: TensorMap,
  config: CalmConfig,
  hidden: Tensor,
  noise: Tensor,
): Tensor {
  const apply = (name: string, x: Tensor) =>
    linear(x, parameters[`${HEAD}.${name}.weight`], parameters[`${HEAD}.${name}.bias`]);
  const norm = (name: string, x: Tensor) =>
    layerNorm(x, parameters[`${HEAD}.${name}.weight`], parameters[`${HEAD}.${name}.bias`]);
  const condition = norm('norm_hidden', apply('hidden_embd', hidden));
  let x = norm('norm_noise', apply('noise_embd', noise));
  for (let i = 0; i < config.numMlpLayers; i++) {
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
  const weight = parameters[`${name}.weight`];
  const channels = weight.shape[0];
  const [forSample, forPosition] = tf.split(weight, [channels, channels], 1);
  return tf.add(linear(x, forSample), linear(condition, forPosition, parameters[`${name}.bias`]));
}

/** The two halves of a Linear's output. The weight is split instead of the product: it is smaller. */
function splitLinear(parameters: TensorMap, name: string, x: Tensor): [Tensor, Tensor] {
  const [firstWeight, secondWeight] = tf.split(parameters[`${name}.weight`], 2, 0);
  const [firstBias, secondBias] = tf.split(parameters[`${name}.bias`], 2, 0);
  return [linear(x, firstWeight, firstBias), linear(x, secondWeight, secondBias)];
}

/**
 * The energy loss (eq. 10) of N samples a position against M draws of the target, and its two terms for the log: fidelity 2·E‖x−y‖^β and diversity E‖x−x′‖^β.
 * @param draws `noise` uniform in [−½, ½), [N, positions, noise]; `targetNoise` standard normal, [positions, M, latent]
 */
function energyHeadLoss(
  parameters: TensorMap,
  config: CalmConfig,
  hidden: Tensor,
  targets: PatchGaussians,
  draws: TensorMap,
): LossOutputs {
  const samples = tf.transpose(sampleEnergyHead(parameters, config, hidden, draws.noise), [1, 0, 2]);
  return energyTerms(samples, targets, draws.targetNoise, config.beta);
}

/** The energy loss of any samples, averaged over positions. @param samples [positions, N, latent] @param targetNoise [positions, M, latent] */
export function energyTerms(
  samples: Tensor,
  { mean, logStd }: PatchGaussians,
  targetNoise: Tensor,
  beta: number,
) {
  const targets = addNoise({ mean: tf.expandDims(mean, 1), logStd: tf.expandDims(logStd, 1) }, targetNoise);
  const parts = energyParts(samples, targets, beta);
  const [fidelity, diversity] = [tf.mean(parts.fidelity), tf.mean(parts.diversity)];
  return { loss: tf.sub(fidelity, diversity), fidelity, diversity };
}

function drawTraining(
  { numSamples, noiseSize, latentSize }: CalmConfig,
  positions: number,
  numTargets: number,
  streams: Streams,
): TensorMap {
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

function sampler(engine: Engine, config: CalmConfig, sampling: HeadSampling): HeadSampler {
  refuseOptions('energy', sampling, []);
  const step = (given: Inputs) => ({
    latents: sampleEnergyHead(given.parameters, config, given.hidden, given.noise),
  });
  const run = engine.compile(step, { constants: ['parameters'] });
  return async (parameters, hidden, noise) => {
    const positions = hidden.shape[0];
    const noiseTensor = floatTensor(noise, [
      noise.length / (positions * config.noiseSize),
      positions,
      config.noiseSize,
    ]);
    const { latents } = await run({ parameters, hidden, noise: noiseTensor });
    noiseTensor.dispose();
    return latents;
  };
}

/** Noise layout: [candidates, positions, noise], uniform in [−½, ½). */
export const energyHead: Head = {
  table: energyHeadTable,
  drawTraining,
  loss: energyHeadLoss,
  noiseSize: ({ noiseSize }) => noiseSize,
  drawNoise: (stream, size) => stream.uniforms(size, -0.5),
  evaluations: () => 1,
  sampler,
};
