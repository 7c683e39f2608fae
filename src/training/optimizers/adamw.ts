/** AdamW, by the engine's kernel: one pass over memory, in place where the engine can. */

import { applyAdamW, type TensorMap, tensorOf } from '../../engine/index.ts';
import { isDecayed } from '../../models/index.ts';
import type { AdamWOptions } from './adamw-options.ts';
import { type Optimizer, zerosLike } from './optimizer.ts';

/**
 * First and second moments of every parameter, under torch's names. A type, so that it fits a tensor tree.
 */
export type AdamWState = {
  readonly exp_avg: TensorMap;
  readonly exp_avg_sq: TensorMap;
};

/**
 * AdamW (see applyAdamW for the formula).
 * @param decays which parameters the weight decay applies to
 */
export function adamW(
  { beta1, beta2, epsilon, weightDecay }: AdamWOptions,
  decays = (_name: string, shape: readonly number[]) => isDecayed(shape),
): Optimizer<AdamWState> {
  return {
    takesScale: true,
    init: (parameters) => ({ exp_avg: zerosLike(parameters), exp_avg_sq: zerosLike(parameters) }),
    scalars: (step) => ({ correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step }),
    update({ parameters, state, gradients, scale, learningRate, scalars: numbers }) {
      const [updated, first, second]: [TensorMap, TensorMap, TensorMap] = [{}, {}, {}];
      for (const [name, parameter] of Object.entries(parameters)) {
        const moments = { first: tensorOf(state.exp_avg, name), second: tensorOf(state.exp_avg_sq, name) };
        const scalars = {
          ...{ scale, learningRate },
          correction1: tensorOf(numbers, 'correction1'),
          correction2: tensorOf(numbers, 'correction2'),
        };
        const decay = decays(name, parameter.shape) ? weightDecay : 0;
        [updated[name], first[name], second[name]] = applyAdamW(
          { parameter, ...moments, gradient: tensorOf(gradients, name), ...scalars },
          { beta1, beta2, epsilon, weightDecay: decay },
        );
      }
      return { parameters: updated, state: { exp_avg: first, exp_avg_sq: second } };
    },
  };
}
