/**
 * What a kernel becomes in a graph language: operators on operands, as plain data. A writer turns them into
 * nodes.
 */

import type { Value, ValueType } from './graph.ts';

/** An operator on its operands. One that is an operand of several others becomes one node. */
export interface Operation<Attribute> {
  readonly operator: string;
  readonly operands: readonly Operand<Attribute>[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Operations that must have run before, though none of their results is taken. */
  readonly after: readonly Operation<Attribute>[];
}

/**
 * Numbers that the graph holds. Graph languages want shapes and axes as integers; ONNX wants those in 64
 * bits.
 */
export interface Literal {
  readonly shape: readonly number[];
  readonly dtype: ValueType | 'int64';
  readonly numbers: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}

export type Operand<Attribute> = Value | Literal | Operation<Attribute>;

/** What makes the outputs of a traced node: one operation for all of them, or one for each. */
export type Result<Attribute> = Operation<Attribute> | Literal | readonly Operation<Attribute>[];

export function isOperation<Attribute>(
  operand: Operand<Attribute> | Result<Attribute>,
): operand is Operation<Attribute> {
  return 'operator' in operand;
}

export function isValue(operand: Value | Literal): operand is Value {
  return 'id' in operand;
}

/** A number as a literal of a type. */
export function scalar(value: number, dtype: ValueType = 'float32'): Literal {
  return { shape: [], dtype, numbers: numbersOf([value], dtype) };
}

/** A list of numbers as a literal of a type. */
export function list(values: readonly number[], dtype: ValueType): Literal {
  return { shape: [values.length], dtype, numbers: numbersOf(values, dtype) };
}

/** Numbers as an array of a type. */
export function numbersOf(numbers: readonly number[], dtype: ValueType): Literal['numbers'] {
  if (dtype === 'float32') return Float32Array.from(numbers);
  return dtype === 'int32' ? Int32Array.from(numbers) : Uint8Array.from(numbers);
}
