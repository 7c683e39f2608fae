/**
 * How sure a BrierLM is: the bootstrap (Efron 1979) over documents, because windows of one document are not
 * independent of each other.
 */

import { elementAt } from '../elements.ts';
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
  const scores: number[] = [];
  const factors: number[][] = Array.from({ length: NUM_FACTORS }, () => []);
  for await (const drawn of resamples(units, seed, pause)) {
    const { brier } = meansOf(drawn.flat());
    scores.push(brierLM(brier, protocol));
    for (const [n, own] of factors.entries()) own.push(elementAt(brier, n));
  }
  return {
    level: LEVEL,
    brierLM: percentiles(scores),
    brier: factors.map(percentiles),
    unit: isByDocument ? 'documents' : 'sequences',
    numUnits: units.length,
  };
}

/**
 * The interval of any value of independent units.
 * @param value of a resample; where it has none, the resample is left out
 */
export async function bootstrapInterval<Unit>(
  units: readonly Unit[],
  value: (units: readonly Unit[]) => number | undefined,
  seed: number,
  { pause }: Pausing = {},
): Promise<[low: number, high: number] | undefined> {
  if (units.length < 2) return undefined;
  const values: number[] = [];
  for await (const drawn of resamples(units, seed, pause)) values.push(value(drawn) ?? Number.NaN);
  const found = values.filter((one) => !Number.isNaN(one));
  return found.length > 0 ? percentiles(found) : undefined;
}

/** Units drawn anew with replacement, as many as there are, again and again. */
async function* resamples<Unit>(
  units: readonly Unit[],
  seed: number,
  pause: Pausing['pause'],
): AsyncGenerator<Unit[]> {
  const stream = new RandomStream(seed, 'bootstrap');
  for (let i = 0; i < RESAMPLES; i++) {
    await pause?.();
    yield units.map(() => elementAt(units, stream.nextInteger(units.length)));
  }
}

function groupBy(rows: readonly BrierSums[], keys: readonly number[]): Map<number, BrierSums[]> {
  const groups = new Map<number, BrierSums[]>();
  rows.forEach((row, i) => {
    const key = elementAt(keys, i);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  });
  return groups;
}

function percentiles(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    elementAt(sorted, Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1))));
  return [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)];
}
