/**
 * Parameters are a flat, ordered map from the reference's state-dict names to tensors, so importing weights
 * needs no table of renamings.
 * A model states its parameters once, as a table of shapes and first values; everything else (initialisation,
 * loading, counting) reads that table.
 */

import type { StoredTensor, StoredTensors } from '../artifacts/index.ts';
import { floatTensor, readFloats, type TensorMap } from '../engine/index.ts';
import { tensorMissing, tensorShape } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../shapes.ts';

/**
 * How a parameter begins. `normal` is N(0, initializerRange²), `narrow` N(0, 0.02²) whatever the range is,
 * `xavier` uniform within √(6 / (in + out))
 * (Glorot & Bengio 2010).
 */
export type Initializer = 'normal' | 'narrow' | 'xavier' | 'zeros' | 'ones';

const NARROW = 0.02;

export interface ParameterSpec {
  readonly shape: Shape;
  readonly init: Initializer;
}

export type ParameterTable = Record<string, ParameterSpec>;

/** W [out, in] ~ normal, b = 0. */
export function linearSpec(
  name: string,
  inSize: number,
  outSize: number,
  hasBias: boolean,
  init: Initializer = 'normal',
): ParameterTable {
  const weight = { [`${name}.weight`]: { shape: [outSize, inSize], init } };
  return hasBias ? { ...weight, [`${name}.bias`]: { shape: [outSize], init: 'zeros' } } : weight;
}

/** RMSNorm: w = 1. LayerNorm: b = 0 too. */
export function normSpec(name: string, size: number, hasBias = false): ParameterTable {
  const weight: ParameterTable = { [`${name}.weight`]: { shape: [size], init: 'ones' } };
  return hasBias ? { ...weight, [`${name}.bias`]: { shape: [size], init: 'zeros' } } : weight;
}

/** The SwiGLU layer of Llama and of the autoencoder: three matrices without biases. */
export function swigluSpec(name: string, size: number, intermediateSize: number): ParameterTable {
  return {
    ...linearSpec(`${name}.gate_proj`, size, intermediateSize, false),
    ...linearSpec(`${name}.up_proj`, size, intermediateSize, false),
    ...linearSpec(`${name}.down_proj`, intermediateSize, size, false),
  };
}

/**
 * First values for every parameter; each has a random stream of its own name, so adding one changes no other.
 */
export function initParameters(table: ParameterTable, seed: number, initializerRange: number): TensorMap {
  const firstValues = (name: string, { shape, init }: ParameterSpec) => {
    const size = sizeOf(shape);
    const stream = new RandomStream(seed, 'init', name);
    if (init === 'normal' || init === 'narrow')
      return stream.normals(size).map((x) => x * (init === 'narrow' ? NARROW : initializerRange));
    if (init === 'xavier') {
      const [outSize, inSize] = shape as [number, number];
      return stream.uniforms(size, -0.5).map((x) => 2 * x * Math.sqrt(6 / (outSize + inSize)));
    }
    return new Float32Array(size).fill(init === 'ones' ? 1 : 0);
  };
  return Object.fromEntries(
    Object.entries(table).map(([name, spec]) => [name, floatTensor(firstValues(name, spec), spec.shape)]),
  );
}

/** The other name under which the reference saves a tensor that is tied: a file may have either, or both. */
export function otherNameOf(name: string): string | undefined {
  if (name.endsWith('encoder.embed_tokens.weight'))
    return name.replace('encoder.embed_tokens.weight', 'decoder.lm_head_weight');
  return name.startsWith('mlp_generator.') ? name.replace('mlp_generator.', 'generative_head.') : undefined;
}

/**
 * Takes a model's parameters out of a weights file; their numbers may be taken over without a copy.
 * @param prefix stands before each name in the file (`ae_model.`)
 * @param file named in errors
 */
export function loadParameters(
  table: ParameterTable,
  stored: StoredTensors,
  file: string,
  prefix = '',
): TensorMap {
  const entries = Object.entries(table).map(([name, { shape }]) => {
    const tensor = stored.get(prefix + name) ?? stored.get(otherNameOf(prefix + name) ?? '');
    if (!tensor) throw tensorMissing(file, prefix + name);
    if (!sameShape(tensor.shape, shape))
      throw tensorShape(file, prefix + name, formatShape(shape), formatShape(tensor.shape));
    return [
      name,
      floatTensor(tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(tensor.data), shape),
    ] as const;
  });
  return Object.fromEntries(entries);
}

/** Copies tensors out for a weights file. */
export async function storeParameters(parameters: TensorMap, prefix = ''): Promise<[string, StoredTensor][]> {
  const stored: [string, StoredTensor][] = [];
  for (const [name, tensor] of Object.entries(parameters))
    stored.push([prefix + name, { shape: tensor.shape, data: await readFloats(tensor) }]);
  return stored;
}

/**
 * The numbers of a table's matrices, vectors (biases, norms) left out.
 * @param isPart of which names; all where absent
 */
export function countMatrices(table: ParameterTable, isPart: (name: string) => boolean = () => true): number {
  const matrices = Object.entries(table).filter(([name, { shape }]) => isPart(name) && shape.length > 1);
  return countParameters(Object.fromEntries(matrices));
}

export function countParameters(table: ParameterTable): number {
  return Object.values(table).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Whether AdamW decays a parameter: all but biases and norm weights, which are the vectors. */
export function isDecayed(shape: Shape): boolean {
  return shape.length > 1;
}
