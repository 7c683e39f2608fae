/** A run as one of several ranks: the first carries it out and speaks, the others help it. */

import { createRequire } from 'node:module';
import type { MpiCluster } from '../../cluster/index.ts';
import { CalmError, messageOf } from '../../errors.ts';
import { factsOf, type Plan, type Ranks } from '../../pipeline/index.ts';
import { LAUNCHER } from './launching.ts';
import { RankLog } from './rank-log.ts';

const packageJson = createRequire(import.meta.url)('calm-lm/package.json') as { version: string };

/** What is done once all ranks have the same plan. */
export interface RankedWork<Planned extends { readonly plan: Plan }, T> {
  readonly plan: () => Promise<Planned>;
  /** On the first rank. */
  readonly lead: (planned: Planned, ranks: Ranks) => Promise<T>;
  /** On every other one. */
  readonly serve: (plan: Plan, ranks: Ranks) => Promise<void>;
}

/** @returns what the first rank's work gave; undefined on the others */
export async function amongRanks<Planned extends { readonly plan: Plan }, T>(
  cluster: MpiCluster,
  { plan, lead, serve }: RankedWork<Planned, T>,
): Promise<T | undefined> {
  const { makeReady, Watch } = await import('../../cluster/index.ts');
  endWithLauncher();
  const log = new RankLog(cluster.rank);
  const begin = (folder: string) => {
    log.openIn(folder);
    cluster.watchWith(new Watch(folder, cluster.rank));
  };
  const made: { planned?: Planned } = {};
  try {
    await makeReady(cluster, async () => {
      made.planned = await firstThenOthers(cluster, plan);
      return factsOf(made.planned.plan, { calm: packageJson.version, node: process.versions.node });
    });
    const planned = made.planned as Planned;
    const ranks = { cluster, begin };
    let result: T | undefined;
    if (cluster.rank === 0) result = await lead(planned, ranks);
    else await serve(planned.plan, ranks);
    await cluster.leave();
    return result;
  } catch (error) {
    // Before the launcher ends this one because another has ended.
    await cluster.fail(asCalmError(error)).catch(() => {});
    throw error;
  }
}

/** What the first rank downloads, the others find. */
async function firstThenOthers<T>(cluster: MpiCluster, work: () => Promise<T>): Promise<T> {
  if (cluster.rank > 0) await cluster.barrier();
  try {
    return await work();
  } finally {
    if (cluster.rank === 0) await cluster.barrier();
  }
}

function asCalmError(error: unknown): CalmError {
  return error instanceof CalmError ? error : new CalmError('CALM_UNEXPECTED', messageOf(error));
}

/** A rank that `calm run --ranks` has started does not outlive it. */
function endWithLauncher(): void {
  const pid = Number(process.env[LAUNCHER]);
  if (!pid) return;
  setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      process.exit(137);
    }
  }, 1000).unref();
}
