/**
 * The network of the diffusion and flow heads: an MLP whose layer norms are shifted, scaled and gated by what
 * it is conditioned on (adaLN, Peebles & Xie 2023).
 * N samples · R positions · C channels (= hidden size) · L latent.  Names under `generative_head.net.`
 *
 *     c = timeEmbed(t) + condEmbed(h)        x₀ = inputProj(x)
 *     block: (shift, scale, gate) = Linear(silu(c));  x ← x + gate ⊙ MLP(LN(x)(1 + scale) + shift)
 *     final: (shift, scale) = Linear(silu(c));  Linear(standardised(x)(1 + scale) + shift)
 */

import { floatTensor, type Tensor, type TensorMap, tensorOf, tf } from '../../../engine/index.ts';
import { layerNorm, linear, silu, standardize } from '../../../math/index.ts';
import { countMatrices, linearSpec, normSpec, type ParameterTable } from '../../parameters.ts';
import type { HeadConfig, HeadFlops } from './head.ts';

/** A head that has such a network. */
type Config = HeadConfig<{ readonly numMlpLayers: number }>;

const NET = 'generative_head.net';
/** Sinusoidal features of the time. */
const TIME_FEATURES = 256;
const MAX_PERIOD = 10000;

/** @param outSize values a latent dimension: 1 for a velocity, 2 for noise and variance */
export function adaLnTable(
  { hiddenSize: channels, latentSize, head: { numMlpLayers } }: Config,
  outSize: number,
): ParameterTable {
  const block = (name: string) => ({
    ...normSpec(`${name}.in_ln`, channels, true),
    ...linearSpec(`${name}.mlp.0`, channels, channels, true, 'xavier'),
    ...linearSpec(`${name}.mlp.2`, channels, channels, true, 'xavier'),
    ...linearSpec(`${name}.adaLN_modulation.1`, channels, 3 * channels, true, 'zeros'),
  });
  return {
    ...linearSpec(`${NET}.time_embed.mlp.0`, TIME_FEATURES, channels, true, 'narrow'),
    ...linearSpec(`${NET}.time_embed.mlp.2`, channels, channels, true, 'narrow'),
    ...linearSpec(`${NET}.cond_embed`, channels, channels, true, 'xavier'),
    ...linearSpec(`${NET}.input_proj`, latentSize, channels, true, 'xavier'),
    ...Object.assign({}, ...Array.from({ length: numMlpLayers }, (_, i) => block(`${NET}.res_blocks.${i}`))),
    ...linearSpec(`${NET}.final_layer.adaLN_modulation.1`, channels, 2 * channels, true, 'zeros'),
    ...linearSpec(`${NET}.final_layer.linear`, channels, outSize * latentSize, true, 'zeros'),
  };
}

/**
 * cos and sin of the time at 128 frequencies from 1 to 1/10,000, cos first.
 * @param time [...]
 * @returns [..., 256]
 */
export function timeFeatures(time: Tensor): Tensor {
  const half = TIME_FEATURES / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) =>
    Math.exp((-Math.log(MAX_PERIOD) * i) / half),
  );
  const angles = tf.mul(tf.expandDims(time, -1), floatTensor(frequencies, [half]));
  return tf.concat([tf.cos(angles), tf.sin(angles)], -1);
}

/**
 * @param x [samples, positions, latent]
 * @param time on the scale of 0 … 1000, [samples, positions], or [1, 1] where all share it
 * @param hidden [positions, hidden]
 * @returns [samples, positions, out·latent]
 */
export function runAdaLn(
  parameters: TensorMap,
  config: Config,
  x: Tensor,
  time: Tensor,
  hidden: Tensor,
): Tensor {
  const apply = (name: string, value: Tensor) =>
    linear(value, tensorOf(parameters, `${NET}.${name}.weight`), tensorOf(parameters, `${NET}.${name}.bias`));
  const timeEmbed = apply('time_embed.mlp.2', silu(apply('time_embed.mlp.0', timeFeatures(time))));
  const condition = silu(tf.add(timeEmbed, apply('cond_embed', hidden)));
  let value = apply('input_proj', x);
  for (let i = 0; i < config.head.numMlpLayers; i++) {
    const block = `res_blocks.${i}`;
    const modulation = tf.split(apply(`${block}.adaLN_modulation.1`, condition), 3, -1);
    const [shift, scale, gate] = modulation as [Tensor, Tensor, Tensor];
    const normed = layerNorm(
      value,
      tensorOf(parameters, `${NET}.${block}.in_ln.weight`),
      tensorOf(parameters, `${NET}.${block}.in_ln.bias`),
    );
    const update = apply(`${block}.mlp.2`, silu(apply(`${block}.mlp.0`, modulate(normed, shift, scale))));
    value = tf.add(value, tf.mul(gate, update));
  }
  const modulation = tf.split(apply('final_layer.adaLN_modulation.1', condition), 2, -1);
  const [shift, scale] = modulation as [Tensor, Tensor];
  return apply('final_layer.linear', modulate(standardize(value), shift, scale));
}

function modulate(x: Tensor, shift: Tensor, scale: Tensor): Tensor {
  return tf.add(tf.mul(x, tf.add(scale, 1)), shift);
}

/**
 * Everything is done for every sample, and again in each step of the sampling.
 * @param evaluations of the network for one sample
 */
export function adaLnFlops(table: ParameterTable, numSamples: number, evaluations: number): HeadFlops {
  const once = 2 * countMatrices(table);
  return { training: numSamples * once, inference: evaluations * once };
}
