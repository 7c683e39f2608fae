/** The lines of the log: means over the steps since the last line, and held-out values beside them. */

import type { TrainingReport } from './report.ts';

/** Plain data, for checkpoints. */
export interface MetricsState {
  /** Sums of the metrics since the last logged step. */
  readonly window: Record<string, number>;
  readonly windowSteps: number;
  /** The last logged values. */
  readonly metrics: Record<string, number>;
  /** Lines of metrics that were written up to here. */
  readonly numLines?: number;
}

export class MetricsWindow {
  readonly #report: Pick<TrainingReport, 'metrics'>;
  #sums: Record<string, number>;
  #numSteps: number;
  #last: Record<string, number>;
  #numLines: number | undefined;

  constructor(
    report: Pick<TrainingReport, 'metrics'>,
    { window, windowSteps, metrics, numLines }: MetricsState = { window: {}, windowSteps: 0, metrics: {} },
  ) {
    this.#report = report;
    [this.#sums, this.#numSteps] = [{ ...window }, windowSteps];
    [this.#last, this.#numLines] = [metrics, numLines];
  }

  get state(): MetricsState {
    return {
      window: this.#sums,
      windowSteps: this.#numSteps,
      metrics: this.#last,
      numLines: this.#numLines,
    };
  }

  /** The last logged values, training and held-out. */
  get last(): Record<string, number> {
    return this.#last;
  }

  add(values: Record<string, number>): void {
    for (const [name, value] of Object.entries(values)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#numSteps++;
  }

  /** A line of the window's means, and a new window; nothing where all its steps were left out. */
  log(step: number): void {
    if (this.#numSteps === 0) return;
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#numSteps]);
    [this.#sums, this.#numSteps] = [{}, 0];
    this.record(step, Object.fromEntries(means));
  }

  /** A line of its own. */
  record(step: number, values: Record<string, number>): void {
    this.#last = { ...this.#last, ...values };
    this.#numLines = (this.#numLines ?? 0) + 1;
    this.#report.metrics({ step, ...values });
  }
}
