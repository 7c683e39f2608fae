import type { TensorTree } from './tensors.ts';

/** A pure function of tensors: a whole training step, an encoder pass, a head's samples. */
export type Step<Inputs extends TensorTree, Outputs extends TensorTree> = (inputs: Inputs) => Outputs;

/** A step made ready to run by an engine. */
export type CompiledStep<Inputs extends TensorTree, Outputs extends TensorTree> = (inputs: Inputs) => Promise<Outputs>;
