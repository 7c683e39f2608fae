/**
 * What training says of its steps: where it is, and the lines of the log, means over the steps since the last
 * line with held-out values beside them.
 */

import type { TrainingReport } from './report.ts';
import type { ScheduleConfig } from './schedule.ts';

/** Plain data, for checkpoints. */
export interface LogState {
  /** Sums of the metrics since the last logged step. */
  readonly window: Record<string, number>;
  readonly windowSteps: number;
  /** The last logged values. */
  readonly metrics: Record<string, number>;
  /** Lines of metrics that were written up to here. */
  readonly numLines?: number;
  /** Time that steps took. */
  readonly elapsedMs: number;
}

export interface LogOptions {
  readonly report: Pick<TrainingReport, 'metrics' | 'progress'>;
  readonly schedule: Pick<ScheduleConfig, 'steps'>;
  readonly logEvery: number;
  readonly tokensPerStep: number;
}

/** What every step gives, and what else its loss gives. */
export type StepValues = Readonly<Record<string, number>> & {
  readonly loss: number;
  readonly gradNorm: number;
};

/** A step that is done: its values, none where it was left out, and how long it took. */
export interface DoneStep {
  readonly values: StepValues | undefined;
  readonly ms: number;
}

const NOTHING: LogState = { window: {}, windowSteps: 0, metrics: {}, elapsedMs: 0 };

export class TrainingLog {
  readonly #options: LogOptions;
  #state: LogState;

  constructor(
    options: LogOptions,
    { window, windowSteps, metrics, numLines, elapsedMs }: LogState = NOTHING,
  ) {
    this.#options = options;
    this.#state = { window, windowSteps, metrics, numLines, elapsedMs };
  }

  get state(): LogState {
    return this.#state;
  }

  /** A step is done. @param step counts from 1 */
  add(step: number, { values, ms }: DoneStep): void {
    const { report, schedule, logEvery, tokensPerStep } = this.#options;
    const { window, windowSteps, elapsedMs } = this.#state;
    this.#state = {
      ...this.#state,
      elapsedMs: elapsedMs + ms,
      ...(values ? { window: added(window, values), windowSteps: windowSteps + 1 } : {}),
    };
    report.progress({
      step,
      steps: schedule.steps,
      values: values ? { loss: values.loss } : {},
      tokensPerSecond: (1000 * tokensPerStep) / ms,
    });
    if (step % logEvery === 0) this.end(step);
  }

  /** A line of the window's means, and a new window; nothing where all its steps were left out. */
  end(step: number): void {
    const { window, windowSteps } = this.#state;
    if (windowSteps === 0) return;
    const means = Object.entries(window).map(([name, sum]) => [name, sum / windowSteps]);
    this.#state = { ...this.#state, window: {}, windowSteps: 0 };
    this.record(step, Object.fromEntries(means));
  }

  /** A line of its own. */
  record(step: number, values: Record<string, number>): void {
    const { metrics, numLines = 0 } = this.#state;
    this.#state = { ...this.#state, metrics: { ...metrics, ...values }, numLines: numLines + 1 };
    this.#options.report.metrics({ step, ...values });
  }
}

function added(sums: Record<string, number>, values: Record<string, number>): Record<string, number> {
  const pairs = Object.entries(values).map(([name, value]) => [name, (sums[name] ?? 0) + value]);
  return { ...sums, ...Object.fromEntries(pairs) };
}
