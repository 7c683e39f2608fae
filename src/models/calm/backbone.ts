/**
 * The backbone (paper §3): a Llama over patches.  B batch · P patches · K tokens a patch · H hidden · D head size.
 * Its input is discrete: the K token embeddings of a patch, compressed by a two-layer network.
 */

import { type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { causalAttention, embed, layerNorm, linear, type RotaryTable, repeatHeads, rmsNorm, rotaryTable, rotate, silu } from '../../math/index.ts';
import { linearSpec, normSpec, type ParameterTable, swigluSpec } from '../parameters.ts';
import { swiglu } from '../swiglu.ts';
import type { CalmConfig } from './config.ts';

/** Keys (already rotated) and values of every layer, each [batch, key/value heads, positions, head size]. Names `k0`, `v0`, `k1`, … */
export type KeyValueCache = TensorMap;

export interface BackboneOutput {
  /** [batch, patches, hidden], after the final norm. */
  readonly hidden: Tensor;
  /** The cache grown by these patches. */
  readonly cache: KeyValueCache;
}

export function backboneTable(config: CalmConfig): ParameterTable {
  const { hiddenSize: hidden, patchSize } = config;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => layerTable(`transformer.layers.${i}`, config));
  return {
    'transformer.embed_tokens.weight': { shape: [config.vocabSize, hidden], init: 'normal' },
    ...Object.assign({}, ...layers),
    ...normSpec('transformer.norm', hidden),
    ...linearSpec('embed_proj.0', patchSize * hidden, 2 * hidden, true),
    ...linearSpec('embed_proj.2', 2 * hidden, hidden, true),
    ...normSpec('embed_proj.3', hidden, true),
  };
}

function layerTable(name: string, config: CalmConfig): ParameterTable {
  const { hiddenSize: hidden, numAttentionHeads, numKeyValueHeads } = config;
  const keyValueSize = (hidden / numAttentionHeads) * numKeyValueHeads;
  return {
    ...normSpec(`${name}.input_layernorm`, hidden),
    ...linearSpec(`${name}.self_attn.q_proj`, hidden, hidden, false),
    ...linearSpec(`${name}.self_attn.k_proj`, hidden, keyValueSize, false),
    ...linearSpec(`${name}.self_attn.v_proj`, hidden, keyValueSize, false),
    ...linearSpec(`${name}.self_attn.o_proj`, hidden, hidden, false),
    ...normSpec(`${name}.post_attention_layernorm`, hidden),
    ...swigluSpec(`${name}.mlp`, hidden, config.intermediateSize),
  };
}

/**
 * Token ids to one vector a patch: LayerNorm(Linear(silu(Linear(concatenated embeddings)))). The padding row is used but gets no gradient.
 * @param ids [batch, patches·K], int32
 * @returns [batch, patches, hidden]
 */
export function embedPatches(parameters: TensorMap, config: CalmConfig, ids: Tensor): Tensor {
  const embedded = embed(parameters['transformer.embed_tokens.weight'], tf.reshape(ids, [-1]), config.padTokenId);
  const patches = tf.reshape(embedded, [ids.shape[0], -1, config.patchSize * config.hiddenSize]);
  const wide = silu(linear(patches, parameters['embed_proj.0.weight'], parameters['embed_proj.0.bias']));
  const narrow = linear(wide, parameters['embed_proj.2.weight'], parameters['embed_proj.2.bias']);
  return layerNorm(narrow, parameters['embed_proj.3.weight'], parameters['embed_proj.3.bias']);
}

/**
 * One pass over patches, after those of the cache if there is one.
 * @param embeds [batch, patches, hidden]
 */
export function runBackbone(parameters: TensorMap, config: CalmConfig, embeds: Tensor, past?: KeyValueCache): BackboneOutput {
  const rotary = rotaryTable(past?.k0?.shape[2] ?? 0, embeds.shape[1] as number, config.hiddenSize / config.numAttentionHeads, config.ropeTheta);
  const cache: KeyValueCache = {};
  let hidden = embeds;
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const name = `transformer.layers.${i}`;
    const attended = attention(parameters, config, i, rmsNorm(hidden, parameters[`${name}.input_layernorm.weight`], config.rmsNormEps), rotary, cache, past);
    hidden = tf.add(hidden, attended);
    hidden = tf.add(hidden, swiglu(parameters, `${name}.mlp`, rmsNorm(hidden, parameters[`${name}.post_attention_layernorm.weight`], config.rmsNormEps)));
  }
  return { hidden: rmsNorm(hidden, parameters['transformer.norm.weight'], config.rmsNormEps), cache };
}

/** Causal self-attention of layer `index`; writes the layer's grown keys and values into `cache`. */
function attention(
  parameters: TensorMap,
  config: CalmConfig,
  index: number,
  x: Tensor,
  rotary: RotaryTable,
  cache: KeyValueCache,
  past?: KeyValueCache,
): Tensor {
  const { numAttentionHeads, numKeyValueHeads, hiddenSize } = config;
  const project = (kind: 'q' | 'k' | 'v', heads: number) =>
    splitHeads(linear(x, parameters[`transformer.layers.${index}.self_attn.${kind}_proj.weight`]), heads);
  const query = rotate(project('q', numAttentionHeads), rotary);
  const key = append(past?.[`k${index}`], rotate(project('k', numKeyValueHeads), rotary));
  const value = append(past?.[`v${index}`], project('v', numKeyValueHeads));
  cache[`k${index}`] = key;
  cache[`v${index}`] = value;
  const group = numAttentionHeads / numKeyValueHeads;
  const attended = causalAttention(query, repeatHeads(key, group), repeatHeads(value, group));
  const merged = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [x.shape[0], x.shape[1] as number, hiddenSize]);
  return linear(merged, parameters[`transformer.layers.${index}.self_attn.o_proj.weight`]);
}

/** [batch, patches, heads·D] → [batch, heads, patches, D]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, patches, size] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, patches, heads, size / heads]), [0, 2, 1, 3]);
}

/** Along the positions axis. */
function append(past: Tensor | undefined, next: Tensor): Tensor {
  return past ? tf.concat([past, next], 2) : next;
}
