/**
 * How a step is carried out: the seam between the loop and the machine. One compiled function where a step is
 * one batch; sums of micro-batches otherwise, which ranks share out.
 */

import { type Cluster, nodesOf, shareOf, sumOf, type TreeNode } from '../cluster/index.ts';
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
import { SumExchange, type Sums } from './sum-exchange.ts';

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
  /** Who shares the micro-batches of a step. */
  readonly cluster: Cluster;
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

type MicroInputs = {
  readonly parameters: TensorMap;
  readonly frozen: TensorMap;
  readonly batch: TensorTree;
};
type ApplyInputs = { readonly learnt: Learnt; readonly sums: Sums; readonly scalars: StepScalars };
type Pair = { readonly left: Sums; readonly right: Sums };

/**
 * Gradients micro-batch by micro-batch, averaged, then applied. They are summed in one tree over the
 * micro-batches of the step (cluster/tree.ts), whose sums are the same wherever they are made. Every rank makes
 * those of its own micro-batches and applies the whole.
 */
class AccumulatedStep<Batch extends TensorTree> implements StepRunner {
  readonly #parts: StepParts<Batch>;
  readonly #gradients: CompiledStep<MicroInputs, Sums>;
  readonly #add: CompiledStep<Pair, Sums>;
  readonly #apply: CompiledStep<ApplyInputs, StepOutputs>;
  readonly #share: TreeNode;
  readonly #exchange: SumExchange;

  constructor(parts: StepParts<Batch>) {
    const { engine, cluster, accumulationSteps } = parts;
    this.#parts = parts;
    this.#share = shareOf(accumulationSteps, cluster.rank, cluster.size);
    this.#exchange = new SumExchange(engine, cluster, accumulationSteps);
    this.#gradients = engine.compile((inputs: MicroInputs) => this.#shareOf(inputs));
    this.#add = engine.compile(({ left, right }: Pair) => ({
      gradients: addTensors(left.gradients, right.gradients),
      values: addTensors(left.values, right.values),
    }));
    const applied = ({ learnt, sums, scalars }: ApplyInputs) =>
      apply(
        parts,
        learnt,
        sums.gradients,
        mapTensors(sums.values, (value) => tf.clone(value)),
        scalars,
      );
    this.#apply = engine.compile(applied, { donates: ['learnt'] });
  }

  async run(step: number, learnt: Learnt, scalars: StepScalars): Promise<StepOutputs> {
    const sums = await this.#sums(step, learnt.parameters);
    const outputs = await this.#apply({ learnt, sums, scalars });
    disposeTree(sums);
    return outputs;
  }

  async #sums(step: number, parameters: TensorMap): Promise<Sums> {
    const { accumulationSteps, cluster } = this.#parts;
    const held = new Set<Sums>();
    const keep = (sums: Sums) => {
      held.add(sums);
      return sums;
    };
    const drop = (sums: Sums) => {
      held.delete(sums);
      disposeTree(sums);
    };
    const add = async (left: Sums, right: Sums) => {
      const sum = keep(await this.#add({ left, right }));
      drop(left);
      drop(right);
      return sum;
    };
    const find = async ({ from, count }: TreeNode) =>
      count === 1 ? keep(await this.#micro(step, from, parameters)) : undefined;
    try {
      const nodes: [TreeNode, Sums][] = [];
      for (const node of nodesOf(accumulationSteps, cluster.rank, cluster.size))
        nodes.push([node, await sumOf(node, find, add)]);
      if (cluster.size === 1) return (nodes[0] as [TreeNode, Sums])[1];
      const sums = await this.#exchange.sum(nodes);
      for (const part of held) drop(part);
      return sums;
    } catch (error) {
      for (const part of held) drop(part);
      throw error;
    }
  }

  /**
   * One micro-batch's share. A signal is heard between two of them; what is summed so far is made again by the
   * next run.
   */
  async #micro(step: number, micro: number, parameters: TensorMap): Promise<Sums> {
    const { accumulationSteps, batches, frozen, pause } = this.#parts;
    const { from, count } = this.#share;
    if (micro > from) await pause();
    const number = step * accumulationSteps + micro;
    const batch = await batches.take(number);
    const running = this.#gradients({ parameters, frozen, batch });
    const isLast = micro === from + count - 1;
    batches.ask(isLast ? number + 1 + accumulationSteps - count : number + 1);
    return running.finally(() => disposeTree(batch));
  }

  #shareOf({ parameters, frozen, batch }: MicroInputs): Sums {
    const { outputs, gradients } = gradientsOf(this.#parts, parameters, frozen, batch as Batch);
    const share = (tensor: tf.Tensor) => tf.div(tensor, this.#parts.accumulationSteps);
    return { gradients: mapTensors(gradients, share), values: mapTensors(outputs, share) };
  }
}

function addTensors(left: TensorMap, right: TensorMap): TensorMap {
  return mapTensors(left, (tensor, name) => tf.add(tensor, tensorOf(right, name)));
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
