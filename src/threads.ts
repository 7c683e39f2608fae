import { availableParallelism } from 'node:os';
import { threadsInvalid } from './errors.ts';

/** More than any machine has. */
const MOST_THREADS = 4096;

/**
 * How many threads a step uses: all cores, or what CALM_THREADS says. The same number gives the same bits.
 */
export function numThreads(): number {
  const given = process.env.CALM_THREADS?.trim();
  if (!given) return availableParallelism();
  const number = Number(given);
  if (!/^\d+$/.test(given) || number < 1 || number > MOST_THREADS) throw threadsInvalid(given, MOST_THREADS);
  return number;
}
