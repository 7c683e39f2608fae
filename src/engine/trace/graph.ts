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

/** One call of a kernel. */
export interface Node<Attrs = Attributes> {
  readonly kernel: string;
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
  readonly outputs: readonly Value[];
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
