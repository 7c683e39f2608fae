/** Sequences in batches, and as tensors. */

import { commonLength } from '../elements.ts';
import { intTensor, type Tensor } from '../engine/index.ts';
import type { Pause } from '../models/index.ts';

export type { Pause };

/** What every measure takes besides what it measures. */
export interface Pausing {
  readonly pause?: Pause | undefined;
}

/** Sequences that are evaluated at once. */
const SEQUENCES_A_BATCH = 8;

/** Batches of sequences, each with the number of its first; a pause is awaited before each. */
export async function* inBatches<T>(
  sequences: readonly T[],
  pause?: Pause,
  size = SEQUENCES_A_BATCH,
): AsyncGenerator<{ batch: readonly T[]; first: number; index: number }> {
  for (let index = 0; index * size < sequences.length; index++) {
    await pause?.();
    const first = index * size;
    yield { batch: sequences.slice(first, first + size), first, index };
  }
}

/** Rows of equal length as one tensor, [rows, length]. */
export function joinRows(rows: readonly Int32Array[]): Tensor {
  const width = commonLength(rows);
  const joined = new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    joined.set(row, i * width);
  });
  return intTensor(joined, [rows.length, width]);
}

/** Of all positions of a batch, in eighths: so few numbers of them mean so few graphs. */
const PARTS = 8;

/** Positions that count, and their weights, which add up to 1. */
export interface CountedPositions {
  readonly positions: Int32Array;
  readonly weights: Float32Array;
}

/**
 * The positions of a batch whose patches are to be learnt, filled up with others of no weight.
 * @param counted of each position, row by row, whether it counts
 */
export function countedPositions(counted: readonly boolean[]): CountedPositions {
  const found = counted.flatMap((isCounted, position) => (isCounted ? [position] : []));
  const step = Math.ceil(counted.length / PARTS);
  const size = Math.min(counted.length, Math.max(1, Math.ceil(found.length / step)) * step);
  const positions = new Int32Array(size);
  positions.set(found);
  return { positions, weights: new Float32Array(size).fill(1 / found.length, 0, found.length) };
}
