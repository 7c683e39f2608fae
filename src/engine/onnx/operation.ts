/** The words in which a kernel's row says its ONNX form. */

import type { Described, ValueType } from '../trace/graph.ts';
import { type Literal, type Operand, type Operation, type Result, scalar } from '../trace/operation.ts';
import { DATA_TYPES } from './schema.ts';

/** Integers, integer lists and strings are all that the operators here take. */
export type OnnxAttribute = number | string | readonly number[];
export type OnnxOperand = Operand<OnnxAttribute>;
export type OnnxOperation = Operation<OnnxAttribute>;
export type OnnxResult = Result<OnnxAttribute>;

/** @param operator one of ONNX's own, or `domain.Operator` */
export function op(
  operator: string,
  operands: readonly OnnxOperand[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): OnnxOperation {
  return { operator, operands, attributes, after: [] };
}

/** A list of integers, as ONNX wants shapes and axes. */
export function integers(values: readonly number[]): Literal {
  return { shape: [values.length], dtype: 'int64', numbers: BigInt64Array.from(values, BigInt) };
}

/** A tensor of one number repeated, made when the model runs: it takes no room in the file. */
export function filled({ shape, dtype }: Described, value: number): OnnxOperation {
  return op('Expand', [scalar(value, dtype), integers(shape)]);
}

export function cast(operand: OnnxOperand, dtype: ValueType): OnnxOperation {
  return op('Cast', [operand], { to: DATA_TYPES[dtype] });
}
