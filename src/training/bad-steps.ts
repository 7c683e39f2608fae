/** What is done with a step whose loss or gradient norm is not a number, or far too large. */

import type { TrainingReport } from './report.ts';
import { problemOfStep, type StepLimits, StepWatch, type WatchState } from './step-watch.ts';
import type { StepValues } from './training-log.ts';

export type BadStepPolicy = 'stop' | 'skip';

/** After so many bad steps in a row there is nothing to wait for. */
const MOST_SKIPPED_IN_A_ROW = 64;

/** Plain data, for checkpoints. */
export interface BadStepsState {
  readonly watch: WatchState;
  readonly numSkipped: number;
}

/** Why training can't go on. */
export interface Stop {
  readonly problem: string;
  readonly numInARow: number;
}

export class BadSteps {
  readonly #policy: BadStepPolicy;
  readonly #report: Pick<TrainingReport, 'event' | 'warn'>;
  readonly #watch: StepWatch;
  #numSkipped: number;
  #numInARow = 0;

  /** @param spikeDeviations see StepWatch */
  constructor(
    policy: BadStepPolicy,
    spikeDeviations: number,
    report: Pick<TrainingReport, 'event' | 'warn'>,
    { watch, numSkipped }: Partial<BadStepsState> = {},
  ) {
    [this.#policy, this.#report, this.#numSkipped] = [policy, report, numSkipped ?? 0];
    this.#watch = new StepWatch(spikeDeviations, watch);
  }

  get state(): BadStepsState {
    return { watch: this.#watch.state, numSkipped: this.#numSkipped };
  }

  /** What the next step may not exceed. */
  limits(): StepLimits {
    return this.#watch.limits();
  }

  /**
   * Why a step is bad, by the limits that were before it; undefined where it is good, which is remembered.
   */
  problemOf({ loss, gradNorm }: StepValues): string | undefined {
    const problem = problemOfStep(loss, gradNorm, this.#watch.limits());
    if (problem !== undefined) return problem;
    this.#numInARow = 0;
    this.#watch.accept(loss, gradNorm);
    return undefined;
  }

  /**
   * Says where the batches of a bad step came from, and leaves it out, or says why that is not possible.
   * @param step counts from 1
   */
  meet(step: number, problem: string, batches: readonly object[] | undefined): Stop | undefined {
    this.#report.event({
      step,
      event: 'bad step',
      problem,
      done: this.#policy,
      ...(batches ? { batches } : {}),
    });
    this.#numInARow++;
    const isHopeless = this.#numInARow >= MOST_SKIPPED_IN_A_ROW;
    if (this.#policy === 'stop' || isHopeless)
      return { problem, numInARow: isHopeless ? this.#numInARow : 1 };
    this.#report.warn(`step ${step} is left out: ${problem}; events.jsonl says which batch it was`);
    this.#numSkipped++;
    return undefined;
  }
}
