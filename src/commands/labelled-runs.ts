/** Runs that are shown: values of theirs that have no name get the one that their stages give them now. */

import type { Interfaces } from '@oclif/core';
import type { Run } from '../runs/index.ts';
import { openRun } from './subject.ts';
import { gatherStages } from './workspace.ts';

export interface NamedRun {
  readonly named: string;
  readonly run: Run;
}

/** One that is named twice, by its folder and by its configuration say, counts once: as it is named last. */
export async function openLabelledRuns(
  oclif: Interfaces.Config,
  names: readonly string[],
  set: readonly string[],
): Promise<NamedRun[]> {
  const registry = await gatherStages(oclif);
  const labelsOf = (uses: string) => (registry.has(uses) ? (registry.get(uses).labels?.() ?? {}) : {});
  const runs = new Map<string, NamedRun>();
  for (const named of names) {
    const run = (await openRun(named, set)).withLabels(labelsOf);
    runs.set(run.folder.directory, { named, run });
  }
  return [...runs.values()];
}
