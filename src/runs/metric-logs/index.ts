/** Metrics in formats of others: kept beside a stage as it works, or written of a run that is there. */

import { join } from 'node:path';
import { readMetrics } from '../metrics-file.ts';
import { csv } from './csv.ts';
import type { LogFormat, LoggedSample, MetricLog, MetricsLine } from './metric-log.ts';
import { tensorboard } from './tensorboard.ts';

export type { LoggedSample, MetricLog, MetricsLine } from './metric-log.ts';

const FORMATS = { tensorboard, csv } as const satisfies Record<string, LogFormat>;
export type MetricFormat = keyof typeof FORMATS;
export const METRIC_FORMATS = Object.keys(FORMATS) as MetricFormat[];

/** Opens a log in a stage's folder. It says nothing before it is reset. */
export function openMetricLog(
  format: MetricFormat,
  directory: string,
  wallTime: () => number = () => Date.now() / 1000,
): MetricLog {
  return FORMATS[format].open(join(directory, FORMATS[format].name), wallTime);
}

/** Opens the log of a stage in a folder that has those of others too. */
export function openMetricLogOf(
  stage: string,
  format: MetricFormat,
  directory: string,
  wallTime: () => number,
): MetricLog {
  return FORMATS[format].open(join(directory, `${stage}${FORMATS[format].ending}`), wallTime);
}

/** What metrics.jsonl and events.jsonl of a stage's folder hold. */
export function readLogged(directory: string): { lines: MetricsLine[]; texts: LoggedSample[] } {
  const events = readMetrics<LoggedSample & { event: string }>(join(directory, 'events.jsonl'));
  return {
    lines: readMetrics<MetricsLine>(join(directory, 'metrics.jsonl')),
    texts: events.filter(({ event }) => event === SAMPLE_EVENT),
  };
}

/** The word by which events.jsonl tells samples from what went wrong. */
export const SAMPLE_EVENT = 'written';
