import type { TensorTree } from './tensors.ts';

/** A pure function of tensors: a whole training step, an encoder pass, a head's samples. */
export type Step<Inputs extends TensorTree, Outputs extends TensorTree> = (inputs: Inputs) => Outputs;

/** A step made ready to run by an engine. */
export type CompiledStep<Inputs extends TensorTree, Outputs extends TensorTree> = (
  inputs: Inputs,
) => Promise<Outputs>;

/** How a step may be run. */
export interface CompileOptions<Inputs> {
  /**
   * Inputs that the caller gives up: the compiled step disposes them, and may write its outputs over them.
   * What training passes from step to step then needs memory once, not twice. (JAX calls it donation.)
   */
  readonly donates?: readonly (keyof Inputs)[];
  /**
   * Inputs that hold the same tensors in every call: frozen weights. An engine that makes graphs builds them
   * in, arranged as its products like them, and makes a new graph where other tensors come.
   */
  readonly constants?: readonly (keyof Inputs)[];
}
