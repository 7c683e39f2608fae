/** Copies of metrics.jsonl in formats of others, written while a stage works or when they are asked for. */

/** A line of metrics.jsonl. What is not finite is null there. */
export type MetricsLine = { readonly step: number } & Readonly<Record<string, number | null>>;

/** What a model wrote in the middle of its training. */
export interface LoggedSample {
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

export interface MetricLog {
  add(line: MetricsLine): void;
  addSample(sample: LoggedSample): void;
  /** Makes it say this and nothing else: a stage has gone back to a checkpoint. */
  reset(lines: readonly MetricsLine[], samples: readonly LoggedSample[]): void;
}

/** A format: what its file or folder is called, and how it is opened. */
export interface LogFormat {
  /** In a stage's folder. */
  readonly name: string;
  /** What follows a stage's name where the logs of several stand side by side. */
  readonly ending: string;
  /** @param wallTime of what it does not know the time of, in seconds since 1970 */
  open(path: string, wallTime: () => number): MetricLog;
}
