/** What must be the same on all ranks before they work together. */

import { hostname } from 'node:os';
import { CalmError, ranksDisagree, rankUnready } from '../errors.ts';
import type { Cluster } from './cluster.ts';

/** Named facts: versions, hashes. */
export type Facts = Readonly<Record<string, string>>;

interface Said {
  readonly host: string;
  readonly facts: Facts;
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | undefined;
}

/**
 * Has every rank make something ready, and compares what it says of it. Where one can't, or says something
 * else, all throw an error that names it.
 * @param prepare gives facts; what it throws is told
 */
export async function makeReady(cluster: Cluster, prepare: () => Promise<Facts>): Promise<void> {
  let own: CalmError | undefined;
  const facts = await prepare().catch((error: unknown) => {
    if (!(error instanceof CalmError)) throw error;
    own = error;
    return {};
  });
  const problem = own && { code: own.code, message: own.message, hint: own.hint ?? '' };
  const all = await cluster.gather<Said>({ host: hostname(), facts, problem });
  const found = await cluster.broadcast(problemAmong(all));
  if (!found) return;
  // Whoever is alone with it, or first, has an error with a place in a file.
  throw own && found.rank === cluster.rank ? own : errorOf(found);
}

type Found = { readonly rank: number; readonly said: Said } & ({ readonly fact?: never } | FactProblem);
interface FactProblem {
  readonly fact: string;
  readonly first: string;
}

function problemAmong(all: readonly Said[]): Found | undefined {
  const [first] = all;
  for (const [rank, said] of all.entries()) if (said.problem) return { rank, said };
  const facts = first?.facts ?? {};
  for (const [rank, said] of all.entries())
    for (const fact of Object.keys({ ...facts, ...said.facts }))
      if (said.facts[fact] !== facts[fact]) return { rank, said, fact, first: facts[fact] ?? 'none' };
  return undefined;
}

function errorOf({ rank, said, ...found }: Found): CalmError {
  const { host, facts, problem } = said;
  if (problem) return rankUnready(rank, host, problem);
  const { fact = '', first = '' } = found as FactProblem;
  return ranksDisagree(rank, host, fact, facts[fact] ?? 'none', first);
}
