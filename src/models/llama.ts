/**
 * The Llama Transformer that both language models stand on: CALM runs it over patches, the discrete baseline
 * over tokens.
 * B batch · P positions (patches or tokens) · H hidden · D head size · C places of a cache.
 */

import { intTensor, type Tensor, type TensorMap, tensorOf, tf } from '../engine/index.ts';
import {
  attend,
  causalMask,
  linear,
  type RotaryTable,
  repeatHeads,
  rmsNorm,
  rotaryTable,
  rotate,
} from '../math/index.ts';
import { linearSpec, normSpec, type ParameterTable, swigluSpec } from './parameters.ts';
import { swiglu } from './swiglu.ts';

/** The keys of a Llama's configuration that its layers need, in camelCase. */
export interface LlamaConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
}

/**
 * Keys (already rotated) and values of every layer, each [batch, key/value heads, positions, head size].
 * Names `k0`, `v0`, `k1`, …
 */
export type KeyValueCache = TensorMap;

export interface LlamaOutput {
  /** [batch, positions, hidden], after the final norm. */
  readonly hidden: Tensor;
  /** Keys and values of these positions alone, in the shape of a cache. */
  readonly fresh: KeyValueCache;
}

/**
 * A cache and how much of it counts, a float scalar. Places past `length` are hidden, so one graph serves a
 * cache as it fills.
 */
export type Past = {
  readonly cache: KeyValueCache;
  readonly length: Tensor;
};

/** New positions that do not simply follow one another: where each stands, and what it may look at. */
export type Branches = {
  readonly cache: KeyValueCache;
  /** Of each new position, [batch, positions], float. */
  readonly places: Tensor;
  /**
   * Added to the scores: 0 where a new position may look, −1e9 where not; [batch, 1, positions, C +
   * positions].
   */
  readonly mask: Tensor;
};

/** Layers and final norm, under the reference's names after `prefix` (`transformer`, `model`). */
export function llamaTable(prefix: string, config: LlamaConfig): ParameterTable {
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) =>
    layerTable(`${prefix}.layers.${i}`, config),
  );
  return { ...Object.assign({}, ...layers), ...normSpec(`${prefix}.norm`, config.hiddenSize) };
}

function layerTable(
  name: string,
  { hiddenSize: hidden, intermediateSize, numAttentionHeads, numKeyValueHeads }: LlamaConfig,
): ParameterTable {
  const keyValueSize = (hidden / numAttentionHeads) * numKeyValueHeads;
  return {
    ...normSpec(`${name}.input_layernorm`, hidden),
    ...linearSpec(`${name}.self_attn.q_proj`, hidden, hidden, false),
    ...linearSpec(`${name}.self_attn.k_proj`, hidden, keyValueSize, false),
    ...linearSpec(`${name}.self_attn.v_proj`, hidden, keyValueSize, false),
    ...linearSpec(`${name}.self_attn.o_proj`, hidden, hidden, false),
    ...normSpec(`${name}.post_attention_layernorm`, hidden),
    ...swigluSpec(`${name}.mlp`, hidden, intermediateSize),
  };
}

/**
 * One pass over positions, after those of the past if there is one.
 * @param embeds [batch, positions, hidden]
 */
export function runLlama(
  parameters: TensorMap,
  prefix: string,
  config: LlamaConfig,
  embeds: Tensor,
  past?: Past | Branches,
): LlamaOutput {
  const layer: Layer = {
    parameters,
    config,
    ...surroundings(config, embeds.shape[1] as number, past),
    past: past?.cache,
    fresh: {},
  };
  let hidden = embeds;
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const name = `${prefix}.layers.${i}`;
    const normed = rmsNorm(hidden, tensorOf(parameters, `${name}.input_layernorm.weight`), config.rmsNormEps);
    hidden = tf.add(hidden, attention(layer, name, i, normed));
    hidden = tf.add(
      hidden,
      swiglu(
        parameters,
        `${name}.mlp`,
        rmsNorm(hidden, tensorOf(parameters, `${name}.post_attention_layernorm.weight`), config.rmsNormEps),
      ),
    );
  }
  return {
    hidden: rmsNorm(hidden, tensorOf(parameters, `${prefix}.norm.weight`), config.rmsNormEps),
    fresh: layer.fresh,
  };
}

/** What all layers share. */
interface Layer {
  readonly parameters: TensorMap;
  readonly config: LlamaConfig;
  readonly rotary: RotaryTable;
  readonly mask: Tensor;
  readonly past: KeyValueCache | undefined;
  /** Filled layer by layer. */
  readonly fresh: KeyValueCache;
}

function surroundings(
  config: LlamaConfig,
  positions: number,
  past: Past | Branches | undefined,
): Pick<Layer, 'rotary' | 'mask'> {
  const headSize = config.hiddenSize / config.numAttentionHeads;
  if (past && 'mask' in past)
    return {
      rotary: rotaryTable(tf.expandDims(past.places, 1), headSize, config.ropeTheta),
      mask: past.mask,
    };
  const start = past?.length ?? 0;
  const places = tf.add(tf.range(0, positions, 1, 'float32'), start);
  return {
    rotary: rotaryTable(places, headSize, config.ropeTheta),
    mask: causalMask(positions, past ? capacityOf(past.cache) : 0, start),
  };
}

/** Causal self-attention of layer `index`. */
function attention(
  { parameters, config, rotary, mask, past, fresh }: Layer,
  name: string,
  index: number,
  x: Tensor,
): Tensor {
  const { numAttentionHeads, numKeyValueHeads, hiddenSize } = config;
  const project = (kind: 'q' | 'k' | 'v', heads: number) =>
    splitHeads(linear(x, tensorOf(parameters, `${name}.self_attn.${kind}_proj.weight`)), heads);
  const query = rotate(project('q', numAttentionHeads), rotary);
  const key = rotate(project('k', numKeyValueHeads), rotary);
  const value = project('v', numKeyValueHeads);
  fresh[`k${index}`] = key;
  fresh[`v${index}`] = value;
  const group = numAttentionHeads / numKeyValueHeads;
  const all = (cached: string, own: Tensor) =>
    repeatHeads(past ? tf.concat([tensorOf(past, cached), own], 2) : own, group);
  const attended = attend(query, all(`k${index}`, key), all(`v${index}`, value), mask);
  const merged = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [
    x.shape[0],
    x.shape[1] as number,
    hiddenSize,
  ]);
  return linear(merged, tensorOf(parameters, `${name}.self_attn.o_proj.weight`));
}

/** [batch, positions, heads·D] → [batch, heads, positions, D]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, positions, size] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, positions, heads, size / heads]), [0, 2, 1, 3]);
}

/** The places of a cache, those that do not count among them. */
export function capacityOf(cache: KeyValueCache): number {
  return tensorOf(cache, 'k0').shape[2] as number;
}

/**
 * A cache with fresh positions in it.
 * @param sources where each place comes from: one of the cache's C, or C + i of the fresh ones, [C]
 */
export function putInto(cache: KeyValueCache, fresh: KeyValueCache, sources: Tensor): KeyValueCache {
  return mapCache(cache, (tensor, name) =>
    tf.gather(tf.concat([tensor, tensorOf(fresh, name)], 2), sources as tf.Tensor1D, 2),
  );
}

/**
 * For putInto: `positions` fresh ones follow the first `length` places of a cache.
 * @returns [capacity], int32
 */
export function placesAfter(length: number, positions: number, capacity: number): Tensor {
  const sources = Int32Array.from({ length: capacity }, (_, place) => place);
  for (let i = 0; i < positions; i++) sources[length + i] = capacity + i;
  return intTensor(sources, [capacity]);
}

/** A cache with empty places up to a capacity. */
export function padCache(cache: KeyValueCache, capacity: number): KeyValueCache {
  return mapCache(cache, (tensor) => {
    const [batch, heads, places, size] = tensor.shape as [number, number, number, number];
    return tf.tidy(() => tf.concat([tensor, tf.zeros([batch, heads, capacity - places, size])], 2));
  });
}

function mapCache(cache: KeyValueCache, f: (tensor: Tensor, name: string) => Tensor): KeyValueCache {
  return Object.fromEntries(Object.entries(cache).map(([name, tensor]) => [name, f(tensor, name)]));
}
