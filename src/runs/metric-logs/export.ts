/** Writes the metrics of a run in a format of others: a folder or a file for each of its stages. */

import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { exportTargetExists, noMetrics } from '../../errors.ts';
import type { Run, RunStage } from '../run.ts';
import { type MetricFormat, openMetricLogOf, readLogged } from './index.ts';

/**
 * Stages at work count as well. The folder is whole or absent.
 * @param target must not be there yet
 * @returns the stages that have metrics
 */
export async function exportMetrics(run: Run, format: MetricFormat, target: string): Promise<string[]> {
  if (existsSync(target)) throw exportTargetExists(target);
  const logged = run.stages
    .map((stage) => ({ stage, ...readLogged(stage.directory) }))
    .filter(({ lines }) => lines.length > 0);
  if (logged.length === 0) throw noMetrics(run.folder.directory);
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    for (const { stage, lines, texts } of logged)
      openMetricLogOf(stage.id, format, partial, () => secondsOf(stage)).reset(lines, texts);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return logged.map(({ stage }) => stage.id);
}

/** metrics.jsonl holds no times: all is as of the stage's end, or of now while it works. */
function secondsOf({ manifest }: RunStage): number {
  return (manifest ? Date.parse(manifest.finishedAt) : Date.now()) / 1000;
}
