/** By which variables a process knows that a launcher has started it with others. */

import { ranksWithoutMpi } from '../errors.ts';

/** Which process this is, of how many. */
export interface Place {
  readonly rank: number;
  readonly size: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Launcher → its variables for rank and number of ranks. Slurm's say nothing of MPI; see below. */
const VARIABLES = [
  ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
  ['PMI_RANK', 'PMI_SIZE'],
  ['PMIX_RANK', 'SLURM_STEP_NUM_TASKS'],
] as const;

/**
 * The place that a launcher has given to this process; undefined where there is none, or no other process.
 * Tasks of Slurm that can't hear of one another are an error: each would take itself for the only one.
 */
export function placeOf(environment: Environment = process.env): Place | undefined {
  for (const [rankName, sizeName] of VARIABLES) {
    const [rank, size] = [environment[rankName], environment[sizeName]].map(countIn);
    if (rank !== undefined && size !== undefined) return size > 1 ? { rank, size } : undefined;
  }
  const tasks = countIn(environment.SLURM_STEP_NUM_TASKS) ?? 1;
  if (tasks > 1 && countIn(environment.SLURM_STEP_ID) !== undefined) throw ranksWithoutMpi(tasks);
  return undefined;
}

function countIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
