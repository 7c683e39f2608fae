/** A kernel: one row that holds the shape of its result and its form in each graph language, side by side. */

import type { OnnxResult } from '../onnx/operation.ts';
import type { TensorFlowResult } from '../tensorflow/operation.ts';
import type { Arity, Attributes, Described, Node, Operands, Value } from './graph.ts';

/** In place of what a kernel does not have: why. */
export interface Absent {
  readonly absent: string;
}

/**
 * A form is the name of an operator on the kernel's own operands, or a function that says what to write for a
 * node.
 */
export type Form<Attrs, Count extends Arity, Result> =
  | string
  | ((node: Node<Attrs, Operands<Value, Count>>) => Result);

export interface Kernel<Attrs = Attributes, Count extends Arity = 1> {
  /** As TensorFlow.js calls it. */
  readonly name: string;
  /** The names of its inputs in their order, where TensorFlow.js does not hand them over in order. */
  readonly operands?: readonly string[];
  /** Shape and type of what it returns: one result, or a list of them. */
  readonly infer:
    | ((inputs: Operands<Described, Count>, attrs: Attrs) => Described | readonly Described[])
    | Absent;
  readonly onnx: Form<Attrs, Count, OnnxResult> | Absent;
  /** An operator by its name alone gets the attribute T, the type of the first operand. */
  readonly tensorflow: Form<Attrs, Count, TensorFlowResult> | Absent;
}

/**
 * A kernel's row with the type of its attributes and the number of its operands, which the table forgets:
 * TensorFlow.js hands over what belongs to the name.
 */
export function kernel<Attrs, Count extends Arity = 1>(row: Kernel<Attrs, Count>): Kernel {
  return row as unknown as Kernel;
}

export const absent = (reason: string): Absent => ({ absent: reason });

/** For kernels that no trace records, only those that `simplify` puts in place of others. */
export const MADE_BY_SIMPLIFY = absent('simplify makes it of kernels whose shapes are known');

/** A kernel that can't be traced. The caller runs the step eagerly and says so. */
export class UntraceableKernel extends Error {
  readonly kernel: string;

  constructor(name: string) {
    super(`the kernel ${name} cannot be traced`);
    this.kernel = name;
  }
}

/** A kernel that can't be written in a graph language. The caller runs the step eagerly and says so. */
export class UnknownKernel extends Error {
  readonly kernel: string;

  constructor(name: string, language: string, reason = 'it is not in the table of kernels') {
    super(`the kernel ${name} has no ${language} form: ${reason}`);
    this.kernel = name;
  }
}
