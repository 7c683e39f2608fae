/**
 * The door to TensorFlow.js: every other room takes `tf` from here, so that one file decides which library it
 * is.
 */

import * as tf from '@tensorflow/tfjs-core';

export { tf };
export type Tensor = tf.Tensor;

/** Tensors by name, in a fixed order. Model parameters carry the reference's state-dict names. */
export type TensorMap = Record<string, tf.Tensor>;

/** The tensor of this name; that there is none is a mistake of the program. */
export function tensorOf(tensors: Readonly<TensorMap>, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`there is no tensor "${name}" among ${Object.keys(tensors).join(', ')}`);
  return tensor;
}

/** What goes into a step and comes out of it: tensors in nested records. */
export type TensorTree = tf.Tensor | { readonly [name: string]: TensorTree };

/**
 * A float32 tensor of the given shape. The values may be taken over without a copy: leave them alone
 * afterwards.
 */
export function floatTensor(values: Float32Array, shape: readonly number[]): tf.Tensor {
  return tf.tensor(values, shape as number[], 'float32');
}

/** An int32 tensor of the given shape. */
export function intTensor(values: Int32Array, shape: readonly number[] = [values.length]): tf.Tensor {
  return tf.tensor(values, shape as number[], 'int32');
}

/** The numbers of a tensor, copied out. */
export async function readFloats(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data<'float32'>()).slice();
}

/** The one number of a scalar. */
export async function readFloat(scalar: tf.Tensor): Promise<number> {
  return (await scalar.data<'float32'>())[0] as number;
}

export async function readIntegers(tensor: tf.Tensor): Promise<Int32Array> {
  return (await tensor.data<'int32'>()).slice();
}

/** Frees every tensor of a tree. */
export function disposeTree(tree: TensorTree): void {
  tf.dispose(tree as tf.TensorContainer);
}
