/**
 * What an optimiser is: a state that begins with the parameters, and an update. Both are pure functions of
 * tensors, so a step can be traced, and a checkpoint holds the state under the names of its tree.
 */

import { type TensorMap, type TensorTree, tf } from '../../engine/index.ts';
import { optimizerInvalid } from '../../errors.ts';
import { formatShape, sameShape } from '../../shapes.ts';

/** The state of an optimiser: named tensors, nested. A leaf is saved under its names, joined by dots. */
export type OptimizerState = { readonly [name: string]: TensorTree };

/** What training passes from step to step. A type, so that it fits a tensor tree. */
export type Learnt<State extends OptimizerState = OptimizerState> = {
  readonly parameters: TensorMap;
  readonly state: State;
};

/** Shapes of parameters by their names. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

export interface OptimizerInputs<State extends OptimizerState> extends Learnt<State> {
  /** Of the loss, under the names of the parameters; clipped, unless the optimiser `takesScale`. */
  readonly gradients: TensorMap;
  /** A scalar: the learning rate of this step, after the schedule. */
  readonly learningRate: tf.Tensor;
  /** A scalar: what the gradients are still to be multiplied by. 1, unless the optimiser `takesScale`. */
  readonly scale: tf.Tensor;
  /** The numbers of `scalars`, as scalar tensors. */
  readonly scalars: TensorMap;
}

export interface Optimizer<State extends OptimizerState = OptimizerState> {
  /** The state before the first step: float32 tensors of its own, none of them a parameter itself. */
  init(parameters: TensorMap): State;
  /**
   * One step: new parameters and a new state of the same names and shapes. Pure: no reading, no random
   * numbers.
   */
  update(inputs: OptimizerInputs<State>): Learnt<State>;
  /** Numbers that change with the step, counted from 1. They go into a traced step as scalars. */
  scalars?(step: number): Readonly<Record<string, number>>;
  /**
   * FLOPs of the matrix products of one step, for `calm cost`; absent where there are none.
   * @param shapes of all parameters, by name
   */
  flops?(shapes: Shapes): number;
  /**
   * Whether the update multiplies the gradients by `scale` itself and leaves everything as it is where that
   * is 0, as a kernel does that touches memory once. The trainer does both for every other optimiser.
   */
  readonly takesScale?: boolean;
}

/** The update of any optimiser: gradients are scaled, and a scale of 0 leaves everything as it is. */
export function update(optimizer: Optimizer, inputs: OptimizerInputs<OptimizerState>): Learnt {
  const { parameters, state, gradients, scale } = inputs;
  if (optimizer.takesScale) return checked(optimizer.update(inputs), { parameters, state });
  const scaled = mapTensors(gradients, (gradient) => tf.mul(gradient, scale));
  const updated = optimizer.update({ ...inputs, gradients: scaled, scale: tf.onesLike(scale) });
  return kept(checked(updated, { parameters, state }), { parameters, state }, tf.greater(scale, 0));
}

/** What was updated where the step is taken, what was there before elsewhere. */
function kept(updated: Learnt, before: Learnt, isTaken: tf.Tensor): Learnt {
  const old = new Map(leavesOf(before));
  return mapLeaves(updated, (tensor, name) => tf.where(isTaken, tensor, old.get(name) as tf.Tensor));
}

/** An update that loses a tensor, or changes its shape, could not be resumed. */
function checked(updated: Learnt, before: Learnt): Learnt {
  const found = new Map(leavesOf({ parameters: updated.parameters, state: updated.state }));
  for (const [name, { shape }] of leavesOf(before)) {
    const tensor = found.get(name);
    if (!tensor) throw optimizerInvalid(`its update returns no ${name}`);
    if (!sameShape(tensor.shape, shape))
      throw optimizerInvalid(
        `its update returns ${name} of shape ${formatShape(tensor.shape)} for ${formatShape(shape)}`,
      );
    found.delete(name);
  }
  const [unknown] = found.keys();
  if (unknown !== undefined)
    throw optimizerInvalid(`its update returns ${unknown}, which was not there before`);
  return { parameters: updated.parameters, state: updated.state };
}

/** The first state of an optimiser. One that can't be saved or given up is an error. */
export function firstState(optimizer: Optimizer, parameters: TensorMap): OptimizerState {
  const state = tf.tidy(() => optimizer.init(parameters) as tf.TensorContainerObject) as OptimizerState;
  const names = new Set(Object.keys(parameters));
  const taken = new Set<tf.Tensor>(Object.values(parameters));
  for (const [name, tensor] of leavesOf(state)) {
    if (tensor.dtype !== 'float32')
      throw optimizerInvalid(`${name} of its state is ${tensor.dtype}, not float32`);
    if (names.has(name)) throw optimizerInvalid(`${name} of its state has the name of another tensor`);
    if (taken.has(tensor)) throw optimizerInvalid(`${name} of its state is another tensor itself; clone it`);
    names.add(name);
    taken.add(tensor);
  }
  return state;
}

/** The tensors of a tree with their names, joined by dots. */
export function leavesOf(tree: OptimizerState, prefix = ''): [name: string, tensor: tf.Tensor][] {
  return Object.entries(tree).flatMap(([name, branch]) =>
    branch instanceof tf.Tensor
      ? [[prefix + name, branch] as [string, tf.Tensor]]
      : leavesOf(branch, `${prefix}${name}.`),
  );
}

/** A tree of the same form. */
export function mapLeaves<Tree extends OptimizerState>(
  tree: Tree,
  f: (tensor: tf.Tensor, name: string) => tf.Tensor,
  prefix = '',
): Tree {
  const entries = Object.entries(tree).map(([name, branch]) => [
    name,
    branch instanceof tf.Tensor ? f(branch, prefix + name) : mapLeaves(branch, f, `${prefix}${name}.`),
  ]);
  return Object.fromEntries(entries) as Tree;
}

export function mapTensors(tensors: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));
}

/**
 * Zeros of the parameters' names and shapes. Fresh arrays, not tf.zeros: what was never written takes no
 * memory yet.
 */
export function zerosLike(parameters: TensorMap): TensorMap {
  return mapTensors(parameters, ({ shape, size }) => tf.tensor(new Float32Array(size), shape, 'float32'));
}

/** The share that an optimiser has in the training of a model, as a part of its cost. */
export function optimizerCost(
  optimizer: Optimizer,
  table: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  tokensPerStep: number,
) {
  const shapes = Object.fromEntries(Object.entries(table).map(([name, { shape }]) => [name, shape]));
  const flops = optimizer.flops?.(shapes) ?? 0;
  const part = { name: 'optimizer', parameters: 0, inferenceFlops: 0 };
  return flops > 0 ? [{ ...part, trainingFlops: flops / tokensPerStep }] : [];
}
