/**
 * How sure a BrierLM is: the bootstrap (Efron 1979) over documents, because windows of one document are not
 * independent of each other.
 */

import { RandomStream } from '../random.ts';
import type { Pausing } from './batches.ts';
import { type BrierProtocol, type BrierSums, brierLM, meansOf, NUM_FACTORS } from './brier-score.ts';

/** A percentile interval. */
export interface BrierInterval {
  /** The share of resamples that lie inside, 0.95. */
  readonly level: number;
  readonly brierLM: readonly [low: number, high: number];
  /** Of Brier-1 … Brier-4. */
  readonly brier: readonly (readonly [low: number, high: number])[];
  /** What was drawn anew, and how many of them there are. */
  readonly unit: 'documents' | 'sequences';
  readonly numUnits: number;
}

const LEVEL = 0.95;
const RESAMPLES = 2000;
/** With fewer documents sequences are drawn instead: the interval would rest on too little. */
const FEWEST_DOCUMENTS = 5;

/**
 * @param rows the sums of each sequence
 * @param documents for each sequence the document that it is from
 * @param options a pause is awaited between resamples
 */
export async function brierInterval(
  rows: readonly BrierSums[],
  documents: readonly number[],
  protocol: BrierProtocol,
  seed: number,
  { pause }: Pausing = {},
): Promise<BrierInterval | undefined> {
  const isByDocument = new Set(documents).size >= FEWEST_DOCUMENTS;
  const units = [...groupBy(rows, isByDocument ? documents : rows.map((_, i) => i)).values()];
  if (units.length < 2) return undefined;
  const stream = new RandomStream(seed, 'bootstrap');
  const scores: number[] = [];
  const factors: number[][] = Array.from({ length: NUM_FACTORS }, () => []);
  for (let i = 0; i < RESAMPLES; i++) {
    await pause?.();
    const { brier } = meansOf(units.flatMap(() => units[stream.nextInteger(units.length)]));
    scores.push(brierLM(brier, protocol));
    brier.forEach((factor, n) => {
      factors[n].push(factor);
    });
  }
  return {
    level: LEVEL,
    brierLM: percentiles(scores),
    brier: factors.map(percentiles),
    unit: isByDocument ? 'documents' : 'sequences',
    numUnits: units.length,
  };
}

function groupBy(rows: readonly BrierSums[], keys: readonly number[]): Map<number, BrierSums[]> {
  const groups = new Map<number, BrierSums[]>();
  rows.forEach((row, i) => {
    const group = groups.get(keys[i]);
    if (group) group.push(row);
    else groups.set(keys[i], [row]);
  });
  return groups;
}

function percentiles(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
  return [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)];
}
