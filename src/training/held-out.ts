/**
 * Held-out values: measured every so many steps and once at the end, with a line of the log for each, and the
 * step that was best by one of them.
 */

import { ALONE, type Cluster } from '../cluster/index.ts';
import type { TensorMap } from '../engine/index.ts';
import { type BestStep, BestStepSearch, type Direction } from './best-step.ts';
import { byFirst, pause } from './leaving.ts';
import type { TrainingLog } from './training-log.ts';

/** Plain data, for checkpoints. */
export interface HeldOutState {
  /** The step whose held-out values were measured last. */
  readonly evaluatedStep?: number;
  /** Whether the held-out values of this step are still to be measured. */
  readonly isEvaluationDue: boolean;
  readonly best?: BestStep;
}

/** Measures held-out values. `pause` is awaited between batches, so that a signal is heard. */
export type Measure = (parameters: TensorMap, pause: () => Promise<void>) => Promise<Record<string, number>>;

export interface HeldOutOptions {
  /** Values for the log, from held-out data; called every `evaluateEvery` steps and at the end. */
  readonly evaluate?: Measure | undefined;
  readonly evaluateEvery: number;
  /** The held-out value by which the best step is kept and taken in the end; one of `directions`. */
  readonly bestMetric?: string;
  /** Which way the held-out values are better. Those without a direction can't be the best of anything. */
  readonly directions?: Readonly<Record<string, Direction>>;
  readonly signal: AbortSignal;
  readonly cluster?: Cluster;
}

export class HeldOut {
  readonly #options: HeldOutOptions;
  readonly #log: TrainingLog;
  readonly #search: BestStepSearch;
  #measuredStep: number | undefined;
  #isDue: boolean;

  constructor(options: HeldOutOptions, log: TrainingLog, state: HeldOutState = { isEvaluationDue: false }) {
    [this.#options, this.#log] = [options, log];
    this.#search = new BestStepSearch(options.bestMetric, options.directions, state.best);
    [this.#measuredStep, this.#isDue] = [state.evaluatedStep, state.isEvaluationDue];
  }

  get state(): HeldOutState {
    const { best } = this;
    const evaluated = { evaluatedStep: this.#measuredStep, isEvaluationDue: this.#isDue };
    return { ...evaluated, ...(best ? { best } : {}) };
  }

  /** The best step so far, where one is looked for. */
  get best(): BestStep | undefined {
    return this.#search.best;
  }

  /** Training begins, or goes on with what was due. A metric that is not measured is an error at once. */
  async begin(step: number, parameters: TensorMap): Promise<void> {
    if (this.#search.isWanted && step === 0) this.#search.check(await this.#measure(parameters));
    await this.#measureIfDue(step, parameters);
  }

  /** A step is done. */
  async reach(step: number, parameters: TensorMap): Promise<void> {
    const { evaluate, evaluateEvery } = this.#options;
    this.#isDue = evaluate !== undefined && step % evaluateEvery === 0;
    await this.#measureIfDue(step, parameters);
  }

  /** The last step is done: it is measured, unless it was. */
  async end(step: number, parameters: TensorMap): Promise<void> {
    this.#isDue = this.#options.evaluate !== undefined && this.#measuredStep !== step;
    await this.#measureIfDue(step, parameters);
  }

  async #measureIfDue(step: number, parameters: TensorMap): Promise<void> {
    if (!this.#isDue) return;
    const measured = await this.#measure(parameters);
    [this.#isDue, this.#measuredStep] = [false, step];
    this.#log.record(step, measured);
    this.#search.consider(step, measured);
  }

  async #measure(parameters: TensorMap): Promise<Record<string, number>> {
    const { evaluate, signal, cluster = ALONE } = this.#options;
    return evaluate ? byFirst(cluster, () => evaluate(parameters, () => pause(signal))) : {};
  }
}
