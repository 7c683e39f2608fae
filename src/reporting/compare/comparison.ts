/** Runs side by side: what differs in their configurations, and what was measured of each. */

import { nothingToCompare } from '../../errors.ts';
import type { Run } from '../../runs/index.ts';
import { type Column, columnsApart, columnsOf } from './columns.ts';
import { type ComparedRun, comparedRuns } from './compared-run.ts';
import { type Difference, differencesOf } from './differences.ts';
import { type Result, resultsOf } from './results.ts';

export interface Comparison {
  readonly columns: readonly Column[];
  /** The columns with all seeds of a setting in one; what plots show. */
  readonly settings: readonly Column[];
  readonly differences: readonly Difference[];
  readonly results: readonly Result[];
  /** What must be known beside it. */
  readonly notes: readonly string[];
}

/**
 * Compares runs, and the runs of sweeps. Those that differ in a seed alone are one column, their mean. Fewer
 * than two runs with results are an error.
 * @param hasAll every number that was measured, not only the measures that have names
 */
export function compare(runs: readonly Run[], hasAll = false): Comparison {
  const compared = comparedRuns(runs);
  if (compared.length < 2) throw nothingToCompare(runs.map(({ folder }) => folder.directory));
  const columns = columnsOf(compared);
  const [only, another] = columns;
  if (only && !another) return compareSeeds(compared, only, hasAll);
  return {
    columns,
    settings: columns,
    differences: differencesOf(columns),
    results: resultsOf(columns, hasAll),
    notes: notFinished(runs),
  };
}

/** Runs of one setting: each by itself, and their mean. No seed is better than another. */
function compareSeeds(compared: readonly ComparedRun[], setting: Column, hasAll: boolean): Comparison {
  const columns = [...columnsApart(compared), { ...setting, name: `mean of ${compared.length}` }];
  const results = resultsOf(columns, hasAll).map((result) => ({ ...result, best: [] }));
  return { columns, settings: [setting], differences: differencesOf(columns), results, notes: [] };
}

function notFinished(runs: readonly Run[]): string[] {
  const empty = runs.filter((run) => comparedRuns([run]).length === 0).map(({ name }) => name);
  return empty.length ? [`No stage is finished in ${empty.join(', ')}.`] : [];
}
