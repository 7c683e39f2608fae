/** Steps that are run as they stand, without a graph. */

import type { CompiledStep, CompileOptions, Step } from './step.ts';
import { disposeTree, type TensorTree, tf } from './tensors.ts';

/** Makes a step ready to run where nothing makes graphs. */
export function eager<Inputs extends TensorTree, Outputs extends TensorTree>(
  step: Step<Inputs, Outputs>,
  { donates = [] }: CompileOptions<Inputs> = {},
): CompiledStep<Inputs, Outputs> {
  return async (inputs) => runEagerly(step, inputs, donates);
}

/** Runs a step as it stands; what lies between is freed, and what was donated. */
export function runEagerly<Inputs extends TensorTree, Outputs extends TensorTree>(
  step: Step<Inputs, Outputs>,
  inputs: Inputs,
  donates: readonly (keyof Inputs)[],
): Outputs {
  const outputs = tf.tidy(() => step(inputs) as tf.TensorContainer) as Outputs;
  disposeDonated(inputs, donates);
  return outputs;
}

export function disposeDonated<Inputs extends TensorTree>(
  inputs: Inputs,
  donates: readonly (keyof Inputs)[],
): void {
  for (const name of donates) disposeTree(inputs[name] as TensorTree);
}
