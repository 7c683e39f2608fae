/**
 * The backbone (paper §3): a Llama over patches.  B batch · P patches · K tokens a patch · H hidden · D head size.
 * Its input is discrete: the K token embeddings of a patch, compressed by a two-layer network.
 */

import { type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { attend, causalMask, embed, layerNorm, linear, type RotaryTable, repeatHeads, rmsNorm, rotaryTable, rotate, silu } from '../../math/index.ts';
import { linearSpec, normSpec, type ParameterTable, swigluSpec } from '../parameters.ts';
import { swiglu } from '../swiglu.ts';
import type { CalmConfig } from './config.ts';

/** Keys (already rotated) and values of every layer, each [batch, key/value heads, positions, head size]. Names `k0`, `v0`, `k1`, … */
export type KeyValueCache = TensorMap;

export interface BackboneOutput {
  /** [batch, patches, hidden], after the final norm. */
  readonly hidden: Tensor;
  /** Keys and values of these patches alone, in the shape of a cache. */
  readonly fresh: KeyValueCache;
}

/** A cache and how much of it counts, a float scalar. Places past `length` are hidden, so one graph serves a cache as it fills. */
export interface PastPatches {
  readonly cache: KeyValueCache;
  readonly length: Tensor;
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
 * One pass over patches, after those of the past if there is one.
 * @param embeds [batch, patches, hidden]
 */
export function runBackbone(parameters: TensorMap, config: CalmConfig, embeds: Tensor, past?: PastPatches): BackboneOutput {
  const patches = embeds.shape[1] as number;
  const start = past?.length ?? 0;
  const surroundings: Surroundings = {
    rotary: rotaryTable(start, patches, config.hiddenSize / config.numAttentionHeads, config.ropeTheta),
    mask: causalMask(patches, past?.cache.k0.shape[2] ?? 0, start),
    past: past?.cache,
    fresh: {},
  };
  let hidden = embeds;
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const name = `transformer.layers.${i}`;
    const normed = rmsNorm(hidden, parameters[`${name}.input_layernorm.weight`], config.rmsNormEps);
    hidden = tf.add(hidden, attention(parameters, config, i, normed, surroundings));
    hidden = tf.add(hidden, swiglu(parameters, `${name}.mlp`, rmsNorm(hidden, parameters[`${name}.post_attention_layernorm.weight`], config.rmsNormEps)));
  }
  return { hidden: rmsNorm(hidden, parameters['transformer.norm.weight'], config.rmsNormEps), fresh: surroundings.fresh };
}

/** What all layers share. */
interface Surroundings {
  readonly rotary: RotaryTable;
  readonly mask: Tensor;
  readonly past: KeyValueCache | undefined;
  /** Filled layer by layer. */
  readonly fresh: KeyValueCache;
}

/** Causal self-attention of layer `index`. */
function attention(parameters: TensorMap, config: CalmConfig, index: number, x: Tensor, { rotary, mask, past, fresh }: Surroundings): Tensor {
  const { numAttentionHeads, numKeyValueHeads, hiddenSize } = config;
  const project = (kind: 'q' | 'k' | 'v', heads: number) =>
    splitHeads(linear(x, parameters[`transformer.layers.${index}.self_attn.${kind}_proj.weight`]), heads);
  const query = rotate(project('q', numAttentionHeads), rotary);
  const key = rotate(project('k', numKeyValueHeads), rotary);
  const value = project('v', numKeyValueHeads);
  fresh[`k${index}`] = key;
  fresh[`v${index}`] = value;
  const group = numAttentionHeads / numKeyValueHeads;
  const all = (name: string, own: Tensor) => repeatHeads(past ? tf.concat([past[name], own], 2) : own, group);
  const attended = attend(query, all(`k${index}`, key), all(`v${index}`, value), mask);
  const merged = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [x.shape[0], x.shape[1] as number, hiddenSize]);
  return linear(merged, parameters[`transformer.layers.${index}.self_attn.o_proj.weight`]);
}

/** [batch, patches, heads·D] → [batch, heads, patches, D]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, patches, size] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, patches, heads, size / heads]), [0, 2, 1, 3]);
}

/** The first `length` places of a cache, followed by fresh ones. */
export function extendCache(cache: KeyValueCache, length: number, fresh: KeyValueCache): KeyValueCache {
  if (length === 0) return mapCache(fresh, (tensor) => tf.clone(tensor));
  return mapCache(fresh, (own, name) => tf.tidy(() => tf.concat([firstPlaces(cache[name], length), own], 2)));
}

/** A cache with empty places up to a capacity. */
export function padCache(cache: KeyValueCache, capacity: number): KeyValueCache {
  return mapCache(cache, (tensor) =>
    tf.pad(tensor as tf.Tensor4D, [
      [0, 0],
      [0, 0],
      [0, capacity - (tensor.shape[2] as number)],
      [0, 0],
    ]),
  );
}

function firstPlaces(tensor: Tensor, length: number): Tensor {
  const [batch, heads, , size] = tensor.shape as [number, number, number, number];
  return tf.slice(tensor, [0, 0, 0, 0], [batch, heads, length, size]);
}

function mapCache(cache: KeyValueCache, f: (tensor: Tensor, name: string) => Tensor): KeyValueCache {
  return Object.fromEntries(Object.entries(cache).map(([name, tensor]) => [name, f(tensor, name)]));
}
