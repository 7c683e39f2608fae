/** When held-out values are measured: every so many steps, and once at the end. */

import type { TensorMap } from '../engine/index.ts';

/** Plain data, for checkpoints. */
export interface HeldOutState {
  /** The step whose held-out values were measured last. */
  readonly evaluatedStep?: number;
  /** Whether the held-out values of this step are still to be measured. */
  readonly isEvaluationDue: boolean;
}

/** Measures held-out values. `pause` is awaited between batches, so that a signal is heard. */
export type Measure = (parameters: TensorMap, pause: () => Promise<void>) => Promise<Record<string, number>>;

export class HeldOut {
  readonly #measure: Measure | undefined;
  readonly #every: number;
  readonly #pause: () => Promise<void>;
  #measuredStep: number | undefined;
  #isDue: boolean;

  constructor(
    measure: Measure | undefined,
    every: number,
    pause: () => Promise<void>,
    { evaluatedStep, isEvaluationDue }: HeldOutState = { isEvaluationDue: false },
  ) {
    [this.#measure, this.#every, this.#pause] = [measure, every, pause];
    [this.#measuredStep, this.#isDue] = [evaluatedStep, isEvaluationDue];
  }

  get state(): HeldOutState {
    return { evaluatedStep: this.#measuredStep, isEvaluationDue: this.#isDue };
  }

  /** A step is done: is it one that is measured? */
  reach(step: number): void {
    this.#isDue = this.#measure !== undefined && step % this.#every === 0;
  }

  /** The last step is done: it is measured, unless it was. */
  reachEnd(step: number): void {
    this.#isDue = this.#measure !== undefined && this.#measuredStep !== step;
  }

  /** The values of a step that is due; undefined where it is not. */
  async measureIfDue(step: number, parameters: TensorMap): Promise<Record<string, number> | undefined> {
    if (!this.#isDue) return undefined;
    const measured = await this.measure(parameters);
    [this.#isDue, this.#measuredStep] = [false, step];
    return measured;
  }

  async measure(parameters: TensorMap): Promise<Record<string, number>> {
    return this.#measure?.(parameters, this.#pause) ?? {};
  }
}
