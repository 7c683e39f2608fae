/** Optimisers from small pure parts, each of which takes updates and gives updates (as optax has them). */

import { type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { isDecayed } from '../../models/index.ts';
import {
  type Learnt,
  mapTensors,
  type Optimizer,
  type OptimizerInputs,
  type OptimizerState,
  zerosLike,
} from './optimizer.ts';

export interface Part<State extends OptimizerState = OptimizerState> {
  init(parameters: TensorMap): State;
  /**
   * New updates and a new state. The first part is given the gradients; what the last one returns is added to
   * the parameters.
   */
  update(
    updates: TensorMap,
    state: State,
    inputs: Pick<OptimizerInputs<OptimizerState>, 'parameters' | 'learningRate' | 'scalars'>,
  ): { readonly updates: TensorMap; readonly state: State };
}

/** One part after another. The state of each stands under its name; a part without a state needs none. */
export function chain(parts: Readonly<Record<string, Part>>): Optimizer {
  return {
    init: (parameters) =>
      Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.init(parameters)])),
    update({ gradients, ...inputs }): Learnt {
      let updates = gradients;
      const state: Record<string, OptimizerState> = {};
      for (const [name, part] of Object.entries(parts)) {
        const result = part.update(updates, inputs.state[name] as OptimizerState, inputs);
        updates = result.updates;
        state[name] = result.state;
      }
      const { parameters } = inputs;
      return {
        parameters: mapTensors(parameters, (tensor, name) => tf.add(tensor, tensorOf(updates, name))),
        state,
      };
    },
  };
}

/** m ← decay · m + u, and m is the update: heavy-ball momentum, as torch's SGD has it. */
export function momentum(decay: number): Part<{ readonly trace: TensorMap }> {
  return {
    init: (parameters) => ({ trace: zerosLike(parameters) }),
    update(updates, { trace }) {
      const next = mapTensors(updates, (update, name) =>
        tf.add(tf.mul(tensorOf(trace, name), decay), update),
      );
      return { updates: next, state: { trace: next } };
    },
  };
}

/** u ← u + rate · p for matrices and embeddings. */
export function decayWeights(rate: number): Part {
  return stateless((updates, { parameters }) =>
    mapTensors(updates, (update, name) => {
      const parameter = tensorOf(parameters, name);
      return isDecayed(parameter.shape) ? tf.add(update, tf.mul(parameter, rate)) : update;
    }),
  );
}

/** u ← −learningRate · u: the last part of most chains. */
export function descend(): Part {
  return stateless((updates, { learningRate }) =>
    mapTensors(updates, (update) => tf.neg(tf.mul(update, learningRate))),
  );
}

/** A part that keeps nothing from step to step. */
export function stateless(
  change: (updates: TensorMap, inputs: Parameters<Part['update']>[2]) => TensorMap,
): Part {
  return {
    init: () => ({}),
    update: (updates, state, inputs) => ({ updates: change(updates, inputs), state }),
  };
}
