import { availableParallelism } from 'node:os';

/** How many threads a step uses: all cores, or what CALM_THREADS says. The same number gives the same bits. */
export function numThreads(): number {
  return Number(process.env.CALM_THREADS) || availableParallelism();
}
