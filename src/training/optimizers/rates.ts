/** An optimiser whose learning rate is another one for some parameters. */

import { type TensorMap, tf } from '../../engine/index.ts';
import { mapTensors, type Optimizer, type OptimizerState } from './optimizer.ts';

/**
 * Parameters of one factor are a group, which the optimiser updates by itself, with a state of its own.
 * @param factorOf what the learning rate of a parameter is multiplied by
 */
export function withRates(optimizer: Optimizer, factorOf: (name: string) => number): Optimizer {
  const groupsOf = (tensors: TensorMap) => {
    const groups = new Map<number, TensorMap>();
    for (const [name, tensor] of Object.entries(tensors)) {
      const factor = factorOf(name);
      groups.set(factor, { ...groups.get(factor), [name]: tensor });
    }
    return groups;
  };
  return {
    ...optimizer,
    init: (parameters) =>
      Object.fromEntries(
        [...groupsOf(parameters)].map(([factor, group]) => [nameOf(factor), optimizer.init(group)]),
      ),
    update({ parameters, state, gradients, learningRate, ...inputs }) {
      const given = groupsOf(gradients);
      const updated: Record<string, tf.Tensor> = {};
      const states: Record<string, OptimizerState> = {};
      for (const [factor, group] of groupsOf(parameters)) {
        const next = optimizer.update({
          ...inputs,
          parameters: group,
          state: state[nameOf(factor)] as OptimizerState,
          gradients: given.get(factor) as TensorMap,
          learningRate: tf.mul(learningRate, factor),
        });
        Object.assign(updated, next.parameters);
        states[nameOf(factor)] = next.state;
      }
      return { parameters: mapTensors(parameters, (before, name) => updated[name] ?? before), state: states };
    },
  };
}

const nameOf = (factor: number) => `rate ${factor}`;
