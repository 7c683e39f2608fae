/**
 * The steps of training, one after the other: batches that are read ahead, gradients, clipping, the
 * optimiser, and what is done with a step that is bad.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ALONE, type Cluster } from '../cluster/index.ts';
import {
  disposeTree,
  type Engine,
  type LossOutputs,
  readFloat,
  type TensorMap,
  type TensorTree,
} from '../engine/index.ts';
import { badStep, ranksTooMany } from '../errors.ts';
import { type BadStepPolicy, BadSteps, type BadStepsState } from './bad-steps.ts';
import { type Rule, stepScalars } from './clipping.ts';
import { pause } from './leaving.ts';
import type { Learnt } from './optimizers/optimizer.ts';
import { ReadAhead } from './read-ahead.ts';
import type { TrainingReport } from './report.ts';
import { learningRateAt, type ScheduleConfig } from './schedule.ts';
import { makeStepRunner, type StepRunner } from './step-runner.ts';
import type { DoneStep, StepValues } from './training-log.ts';

export interface StepsOptions<Batch extends TensorTree> extends Rule {
  /** Named in errors. */
  readonly stage: string;
  readonly engine: Engine;
  readonly schedule: ScheduleConfig;
  /** Micro-batches whose gradients are averaged into one step. */
  readonly accumulationSteps: number;
  readonly onBadStep: BadStepPolicy;
  /** See StepWatch. */
  readonly spikeDeviations: number;
  readonly report: Pick<TrainingReport, 'event' | 'warn'>;
  readonly signal: AbortSignal;
  /** Who trains together: each rank takes its share of a step's micro-batches. Alone where absent. */
  readonly cluster?: Cluster;
  /** Parameters that stay as they are: the loss is given them beside the others. The caller frees them. */
  readonly frozen?: TensorMap | undefined;
  /** The loss of a batch; pure. Its companions are logged. */
  loss(parameters: TensorMap, batch: Batch): LossOutputs;
  /** A micro-batch by its number in the whole training, counted from 0. The trainer frees it. */
  batch(number: number): Batch | Promise<Batch>;
  /** Where a micro-batch comes from, in words that lead back to the text: kept where a step is bad. */
  describeBatch?(number: number): Record<string, unknown>;
}

/** What came of a step. */
export interface Taken extends DoneStep {
  /** As it was before where the step was bad. */
  readonly learnt: Learnt;
  /** Why no further step can be taken. */
  readonly hindrance: Error | undefined;
}

export class Steps<Batch extends TensorTree> {
  readonly #options: StepsOptions<Batch>;
  readonly #batches: ReadAhead<Batch>;
  readonly #runner: StepRunner;
  readonly #badSteps: BadSteps;

  constructor(options: StepsOptions<Batch>, state?: BadStepsState) {
    const { engine, optimizer, maxGradNorm, accumulationSteps, schedule, signal, cluster = ALONE } = options;
    if (cluster.size > accumulationSteps) throw ranksTooMany(options.stage, cluster.size, accumulationSteps);
    this.#options = options;
    this.#batches = new ReadAhead((number) => options.batch(number), schedule.steps * accumulationSteps);
    this.#runner = makeStepRunner<Batch>({
      ...{ engine, optimizer, maxGradNorm, accumulationSteps, cluster },
      batches: this.#batches,
      frozen: options.frozen ?? {},
      loss: (parameters, batch) => options.loss(parameters, batch),
      // Ranks hear a signal together, when a step is done.
      pause: () => (cluster.size > 1 ? nextTurn() : pause(signal)),
    });
    this.#badSteps = new BadSteps(options.onBadStep, options.spikeDeviations, options.report, state);
  }

  get state(): BadStepsState {
    return this.#badSteps.state;
  }

  /** @param step counts from 0 @param learnt is given up once the step is through */
  async take(step: number, learnt: Learnt): Promise<Taken> {
    const { schedule, optimizer } = this.#options;
    const started = performance.now();
    const learningRate = learningRateAt(schedule, step);
    const scalars = stepScalars(optimizer, learningRate, step + 1, this.#badSteps.limits());
    const outputs = await this.#runner.run(step, learnt, scalars);
    const values = await numbersOf(outputs.values);
    disposeTree({ scalars, values: outputs.values });
    const problem = this.#badSteps.problemOf(values);
    const hindrance = problem === undefined ? undefined : this.#meet(step, problem);
    return {
      learnt: outputs.learnt,
      values: problem === undefined ? { ...values, learningRate } : undefined,
      ms: performance.now() - started,
      hindrance,
    };
  }

  /** Nothing is read any more. */
  async end(): Promise<void> {
    await this.#batches.drop();
  }

  /** A bad step is left out, or it is the last. */
  #meet(step: number, problem: string): Error | undefined {
    const { stage, accumulationSteps, describeBatch } = this.#options;
    const first = step * accumulationSteps;
    const batches =
      describeBatch && Array.from({ length: accumulationSteps }, (_, micro) => describeBatch(first + micro));
    const stop = this.#badSteps.meet(step + 1, problem, batches);
    return stop && badStep(stage, step + 1, stop.problem, stop.numInARow);
  }
}

async function numbersOf(values: TensorMap): Promise<StepValues> {
  const numbers: Record<string, number> = {};
  for (const [name, tensor] of Object.entries(values)) numbers[name] = await readFloat(tensor);
  return numbers as StepValues;
}
