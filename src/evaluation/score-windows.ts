/** BrierLM's windows of any sampler, several at once, resumable. */

import { eachAtOnce } from '../each-at-once.ts';
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
  const score = async (i: number, ended: AbortSignal) => {
    const found = await scoreCounting(sampler, elementAt(windows, i), numSamples, ended);
    kept.add(i, found);
    scored[i] = found;
    onScored(++numScored);
  };
  await eachAtOnce(missing, concurrency, score, signal);
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
