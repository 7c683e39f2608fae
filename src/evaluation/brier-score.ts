/**
 * BrierLM (paper §4) from sums over windows. Brier(P, y) = 2 P(y) − Σ P(x)², a proper score, higher is
 * better; Brier-n takes the next n tokens as the outcome;
 * BrierLM = 100 · (Brier-1 · Brier-2 · Brier-3 · Brier-4)^¼. Loads no tensor library.
 */

import { elementAt } from '../elements.ts';

export const NUM_FACTORS = 4;

/** What windows of one sequence add up to: for each factor the sum of its estimates. */
export interface BrierSums {
  readonly sums: readonly number[];
  readonly numWindows: number;
}

/** Brier-1 … Brier-4 of one batch: means over its windows, and the sums of each of its rows. */
export interface BrierBatch {
  readonly brier: readonly number[];
  readonly numWindows: number;
  readonly rows: readonly BrierSums[];
}

/**
 * Adds a window's estimate from S samples, without bias for any S ≥ 2 (the U-statistic): 2 · mean_i 1{x_i =
 * y} − mean_{i<j} 1{x_i = x_j}, for every prefix length.
 * With S = 2 it is the paper's eq. 14.
 * @param hits for each sample how many leading tokens are the true ones
 * @param equalPairs for each prefix length 1 … 4 the number of pairs of samples that agree on it
 */
export function addWindow(sums: Float64Array, hits: readonly number[], equalPairs: ArrayLike<number>): void {
  const numSamples = hits.length;
  const numPairs = (numSamples * (numSamples - 1)) / 2;
  for (let n = 1; n <= NUM_FACTORS; n++) {
    const right = hits.filter((length) => length >= n).length;
    const estimate = (2 * right) / numSamples - elementAt(equalPairs, n - 1) / numPairs;
    sums[n - 1] = elementAt(sums, n - 1) + estimate;
  }
}

/** A batch from the sums of its rows, each over as many windows. */
export function batchOf(sums: readonly Float64Array[], windowsPerRow: number): BrierBatch {
  const rows = sums.map((own) => ({ sums: [...own], numWindows: windowsPerRow }));
  return { ...meansOf(rows), rows };
}

/** Sums added up, as means over windows. */
export function meansOf(parts: readonly BrierSums[]): { brier: number[]; numWindows: number } {
  const numWindows = parts.reduce((sum, part) => sum + part.numWindows, 0);
  const brier = Array.from(
    { length: NUM_FACTORS },
    (_, n) => parts.reduce((sum, part) => sum + elementAt(part.sums, n), 0) / numWindows,
  );
  return { brier, numWindows };
}

/** How many leading tokens agree, at most four. */
export function agreement(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let length = 0;
  while (length < NUM_FACTORS && length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * How batches become one score. `weighted`: every window counts the same and each factor is clamped at 0.
 * `reference`: every batch counts the same and only the product is clamped, so two negative factors give a
 * positive score.
 */
export const PROTOCOLS = ['weighted', 'reference'] as const;
export type BrierProtocol = (typeof PROTOCOLS)[number];

export interface BrierScore {
  /** 100 · the geometric mean of the factors, as the paper prints it. */
  readonly brierLM: number;
  /** Brier-1 … Brier-4. */
  readonly brier: readonly number[];
  readonly numWindows: number;
}

export function aggregateBrier(
  batches: readonly Pick<BrierBatch, 'brier' | 'numWindows'>[],
  protocol: BrierProtocol,
): BrierScore {
  const weightOf = (batch: { numWindows: number }) => (protocol === 'reference' ? 1 : batch.numWindows);
  const total = batches.reduce((sum, batch) => sum + weightOf(batch), 0);
  const brier = Array.from(
    { length: NUM_FACTORS },
    (_, n) => batches.reduce((sum, batch) => sum + weightOf(batch) * elementAt(batch.brier, n), 0) / total,
  );
  return {
    brierLM: brierLM(brier, protocol),
    brier,
    numWindows: batches.reduce((sum, batch) => sum + batch.numWindows, 0),
  };
}

export function brierLM(brier: readonly number[], protocol: BrierProtocol = 'weighted'): number {
  const factors = protocol === 'reference' ? brier : brier.map((factor) => Math.max(factor, 0));
  return (
    100 *
    Math.max(
      0,
      factors.reduce((product, factor) => product * factor, 1),
    ) **
      (1 / NUM_FACTORS)
  );
}
