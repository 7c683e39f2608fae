/**
 * A traced step: the kernels that it called, in order, on values that have shapes and types but no numbers.
 */

import type { tf } from '../tensors.ts';

export type ValueType = 'float32' | 'int32' | 'bool';

/** A tensor of the trace. `constant` holds the numbers of one that was made inside the step. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: ValueType;
  readonly constant?: Float32Array | Int32Array | Uint8Array;
}

/** What a tensor is before it has numbers. */
export type Described = Pick<Value, 'shape' | 'dtype'>;

export type Attributes = Readonly<Record<string, unknown>>;

/** Lists of so many, or more. */
interface AtLeast<T> {
  readonly 1: readonly [T, ...T[]];
  readonly 2: readonly [T, T, ...T[]];
  readonly 3: readonly [T, T, T, ...T[]];
  readonly 8: readonly [T, T, T, T, T, T, T, T, ...T[]];
}

/** How many operands a kernel has. */
export type Arity = keyof AtLeast<unknown>;

export type Operands<T, Count extends Arity = 1> = AtLeast<T>[Count];

/** One call of a kernel. */
export interface Node<Attrs = Attributes, Inputs extends readonly Value[] = readonly Value[]> {
  readonly kernel: string;
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly outputs: readonly [Value, ...Value[]];
}

export interface Graph {
  readonly inputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
}

export function typeOf(dtype: tf.DataType): ValueType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Error(`a traced step cannot hold tensors of type ${dtype}`);
}
