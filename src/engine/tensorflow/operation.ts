/** The words in which a kernel's row says its TensorFlow form. */

import type { Described, ValueType } from '../trace/graph.ts';
import type { Literal, Operand, Operation, Result } from '../trace/operation.ts';

/** An attribute by the kind that TensorFlow wants. `unique` is a text of which every node has its own. */
export type TensorFlowAttribute =
  | { readonly type: ValueType | 'bfloat16' }
  | { readonly int: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly unique: string }
  | { readonly shape: readonly number[] };
export type TensorFlowOperand = Operand<TensorFlowAttribute>;
export type TensorFlowOperation = Operation<TensorFlowAttribute>;
export type TensorFlowResult = Result<TensorFlowAttribute>;

/** @param after operations that must have run before */
export function op(
  operator: string,
  operands: readonly TensorFlowOperand[],
  attributes: Readonly<Record<string, TensorFlowAttribute>> = {},
  after: readonly TensorFlowOperation[] = [],
): TensorFlowOperation {
  return { operator, operands, attributes, after };
}

export const FLOAT: TensorFlowAttribute = { type: 'float32' };
export const INT32: TensorFlowAttribute = { type: 'int32' };

/** The attribute T, as nearly every operator has it: the type of its operands. */
export const typed = ({ dtype }: Pick<Described, 'dtype'>) => ({ T: { type: dtype } });

/** Integers, as TensorFlow wants shapes and axes. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): Literal {
  return { shape, dtype: 'int32', numbers: Int32Array.from(values) };
}

export const integer = (value: number): Literal => integers([value], []);
