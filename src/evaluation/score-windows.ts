/** BrierLM's windows of any sampler, several at once, resumable. */

import { elementAt } from '../elements.ts';
import { type BrierWindow, type ContinuationSampler, scoreWindow } from './brier-sampler.ts';
import type { KeptWindows, ScoredWindow } from './kept-windows.ts';

export interface ScoringOptions {
  /** S, samples a window. */
  readonly numSamples: number;
  /** Windows that are scored at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Told after each window how many there are by now. */
  readonly onScored: (numScored: number) => void;
}

/**
 * Scores the windows that are not kept yet, and keeps each as it comes. The first failure ends the others.
 * @returns all of them in their own order, whichever came first
 */
export async function scoreWindows(
  sampler: ContinuationSampler,
  windows: readonly BrierWindow[],
  kept: Pick<KeptWindows, 'get' | 'add'>,
  { numSamples, concurrency, signal, onScored }: ScoringOptions,
): Promise<ScoredWindow[]> {
  const scored = windows.map((_, i) => kept.get(i));
  const missing = [...windows.keys()].filter((i) => scored[i] === undefined);
  let numScored = windows.length - missing.length;
  await eachAtOnce(missing, concurrency, signal, async (i, ended) => {
    const found = await scoreCounting(sampler, elementAt(windows, i), numSamples, ended);
    kept.add(i, found);
    scored[i] = found;
    onScored(++numScored);
  });
  return scored as ScoredWindow[];
}

async function scoreCounting(
  sampler: ContinuationSampler,
  window: BrierWindow,
  numSamples: number,
  signal: AbortSignal,
): Promise<ScoredWindow> {
  let numEmpty = 0;
  const counting: ContinuationSampler = {
    sample: async (...asked) => {
      const samples = await sampler.sample(...asked);
      numEmpty = samples.filter(({ length }) => length === 0).length;
      return samples;
    },
  };
  const { sums } = await scoreWindow(counting, window, numSamples, signal);
  return { sums, numEmpty };
}

/**
 * Works on so many items at once. The first failure, or the signal, aborts the work on the others, and is
 * thrown when all have ended.
 */
async function eachAtOnce<Item>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal,
  work: (item: Item, ended: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const ended = AbortSignal.any([failed.signal, signal]);
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) {
      if (ended.aborted) return;
      await work(item, ended).catch((error: unknown) => failed.abort(error));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  ended.throwIfAborted();
}
