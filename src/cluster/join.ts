/** How a process finds the others. */

import { hostname } from 'node:os';
import { ranksDiffer } from '../errors.ts';
import type { MpiCluster } from './mpi/mpi-cluster.ts';
import { placeOf } from './ranks.ts';

/** The ranks that a launcher has started with this one; undefined where there is none. */
export async function joinRanks(): Promise<MpiCluster | undefined> {
  const place = placeOf();
  if (!place) return undefined;
  const [{ Mpi }, { MpiCluster }] = await Promise.all([
    import('./mpi/library.ts'),
    import('./mpi/mpi-cluster.ts'),
  ]);
  const mpi = new Mpi();
  const cluster = new MpiCluster(mpi, hostname());
  // Another MPI than the launcher's starts each process as if it were alone.
  if (cluster.size !== place.size) throw ranksDiffer(place.size, cluster.size, mpi.version());
  return cluster;
}
