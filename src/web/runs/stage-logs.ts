/** The logs of a run's stages, as the server sends them. */

import type { LoggedLines, MetricsLine } from '../../ui/facts.ts';

export type StageLog = Pick<LoggedLines, 'lines' | 'texts'>;
export type StageLogs = Readonly<Record<string, StageLog>>;

/** Lines from 0 on replace what was known of a stage: it began anew, or went back to a checkpoint. */
export function addLines(logs: StageLogs, { stage, from, lines, texts }: LoggedLines): StageLogs {
  const known = from === 0 && lines.length > 0 ? undefined : logs[stage];
  const all = [...(known?.lines ?? []), ...lines];
  return { ...logs, [stage]: { lines: all, texts: [...(known?.texts ?? []), ...texts] } };
}

/** A curve: steps and values, where the value is there. */
export function curveOf(lines: readonly MetricsLine[], key: string): { steps: number[]; values: number[] } {
  const found = lines.filter((line) => line.step !== undefined && line[key] !== undefined);
  return { steps: found.map(({ step }) => step as number), values: found.map((line) => line[key] as number) };
}
