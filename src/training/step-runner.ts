/**
 * How a step is carried out: the seam between the loop and the machine. One compiled function where a step is
 * one batch, sums of micro-batches otherwise. Whatever runs a step elsewhere takes the place of these.
 */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  type LossOutputs,
  type TensorMap,
  type TensorTree,
  tensorOf,
  tf,
  valueAndGradients,
} from '../engine/index.ts';
import { applyGradients, type Rule, type StepScalars } from './clipping.ts';
import { type Learnt, mapTensors } from './optimizers/optimizer.ts';
import type { ReadAhead } from './read-ahead.ts';

/** A type, so that it fits a tensor tree. */
export type StepOutputs = {
  readonly learnt: Learnt;
  /** The loss, its companions, and `gradNorm`: scalars. */
  readonly values: TensorMap;
};

export interface StepRunner {
  /**
   * Carries out a step, counted from 0. Where the step is bad, what was learnt comes back as it was.
   * @param learnt is given up once the step is through
   * @returns the caller frees it
   */
  run(step: number, learnt: Learnt, scalars: StepScalars): Promise<StepOutputs>;
}

export interface StepParts<Batch extends TensorTree> extends Rule {
  readonly engine: Engine;
  readonly accumulationSteps: number;
  readonly batches: ReadAhead<Batch>;
  /** See StepsOptions. */
  readonly frozen: TensorMap;
  loss(parameters: TensorMap, batch: Batch): LossOutputs;
  /** Awaited between micro-batches; throws where the step is to be left. */
  pause(): Promise<void>;
}

export function makeStepRunner<Batch extends TensorTree>(parts: StepParts<Batch>): StepRunner {
  return parts.accumulationSteps === 1 ? new FusedStep(parts) : new AccumulatedStep(parts);
}

type FusedInputs = {
  readonly learnt: Learnt;
  readonly frozen: TensorMap;
  readonly scalars: StepScalars;
  readonly batch: TensorTree;
};

/** The whole step as one compiled function. */
class FusedStep<Batch extends TensorTree> implements StepRunner {
  readonly #batches: ReadAhead<Batch>;
  readonly #frozen: TensorMap;
  readonly #step: CompiledStep<FusedInputs, StepOutputs>;

  constructor({ engine, batches, ...parts }: StepParts<Batch>) {
    this.#batches = batches;
    this.#frozen = parts.frozen;
    const step = ({ learnt, frozen, scalars, batch }: FusedInputs) => {
      const { outputs, gradients } = gradientsOf(parts, learnt.parameters, frozen, batch as Batch);
      return apply(parts, learnt, gradients, outputs, scalars);
    };
    this.#step = engine.compile(step, { donates: ['learnt'] });
  }

  async run(step: number, learnt: Learnt, scalars: StepScalars): Promise<StepOutputs> {
    const batch = await this.#batches.take(step);
    const running = this.#step({ learnt, frozen: this.#frozen, scalars, batch });
    this.#batches.ask(step + 1);
    try {
      return await running;
    } finally {
      disposeTree(batch);
    }
  }
}

/** Gradients and values of a step so far; the values' names come with the first micro-batch. */
type Sums = { readonly gradients: TensorMap; readonly values: TensorMap };
type MicroInputs = {
  readonly parameters: TensorMap;
  readonly frozen: TensorMap;
  readonly sums: Sums;
  readonly batch: TensorTree;
};
type ApplyInputs = { readonly learnt: Learnt; readonly sums: Sums; readonly scalars: StepScalars };

/** Gradients micro-batch by micro-batch, averaged, then applied. */
class AccumulatedStep<Batch extends TensorTree> implements StepRunner {
  readonly #parts: StepParts<Batch>;
  readonly #add: CompiledStep<MicroInputs, Sums>;
  readonly #apply: CompiledStep<ApplyInputs, StepOutputs>;

  constructor(parts: StepParts<Batch>) {
    this.#parts = parts;
    this.#add = parts.engine.compile((inputs: MicroInputs) => this.#added(inputs));
    const applied = ({ learnt, sums, scalars }: ApplyInputs) =>
      apply(
        parts,
        learnt,
        sums.gradients,
        mapTensors(sums.values, (value) => tf.clone(value)),
        scalars,
      );
    this.#apply = parts.engine.compile(applied, { donates: ['learnt'] });
  }

  async run(step: number, learnt: Learnt, scalars: StepScalars): Promise<StepOutputs> {
    const sums = await this.#sums(step, learnt.parameters);
    const outputs = await this.#apply({ learnt, sums, scalars });
    disposeTree(sums);
    return outputs;
  }

  /** A signal is heard between two micro-batches; what is summed so far is made again by the next run. */
  async #sums(step: number, parameters: TensorMap): Promise<Sums> {
    const { accumulationSteps, batches, frozen, pause } = this.#parts;
    let sums: Sums = { gradients: mapTensors(parameters, (tensor) => tf.zerosLike(tensor)), values: {} };
    for (let number = step * accumulationSteps; number < (step + 1) * accumulationSteps; number++) {
      const current = sums;
      if (number > step * accumulationSteps) await pause().catch((left) => freeAndThrow(current, left));
      const batch = await batches.take(number);
      const running = this.#add({ parameters, frozen, sums, batch });
      batches.ask(number + 1);
      sums = await running.finally(() => disposeTree({ batch, sums: current }));
    }
    return sums;
  }

  /** The sums with one micro-batch's share. */
  #added({ parameters, frozen, sums, batch }: MicroInputs): Sums {
    const { outputs, gradients } = gradientsOf(this.#parts, parameters, frozen, batch as Batch);
    const share = (tensor: tf.Tensor, sum?: tf.Tensor) => {
      const part = tf.div(tensor, this.#parts.accumulationSteps);
      return sum ? tf.add(sum, part) : part;
    };
    return {
      gradients: mapTensors(gradients, (tensor, name) => share(tensor, sums.gradients[name])),
      values: mapTensors(outputs, (tensor, name) => share(tensor, sums.values[name])),
    };
  }
}

function freeAndThrow(tree: TensorTree, error: unknown): never {
  disposeTree(tree);
  throw error;
}

function gradientsOf<Batch extends TensorTree>(
  { loss }: Pick<StepParts<Batch>, 'loss'>,
  parameters: TensorMap,
  frozen: TensorMap,
  batch: Batch,
): { outputs: TensorMap; gradients: TensorMap } {
  return valueAndGradients(() => loss({ ...frozen, ...parameters }, batch), parameters);
}

function apply(
  rule: Rule,
  before: Learnt,
  gradients: TensorMap,
  outputs: TensorMap,
  scalars: StepScalars,
): StepOutputs {
  const { learnt, norm } = applyGradients(rule, before, gradients, tensorOf(outputs, 'loss'), scalars);
  return { learnt, values: { ...outputs, gradNorm: norm } };
}
