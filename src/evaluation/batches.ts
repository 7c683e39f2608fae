/** Sequences in batches, and as tensors. */

import { intTensor, type Tensor } from '../engine/index.ts';
import type { Pause } from '../models/index.ts';

export type { Pause };

/** What every measure takes besides what it measures. */
export interface Pausing {
  readonly pause?: Pause | undefined;
}

/** Sequences that are judged at once. */
const SEQUENCES_A_BATCH = 8;

/** Batches of sequences, each with the number of its first; a pause is awaited before each. */
export async function* inBatches<T>(
  sequences: readonly T[],
  pause?: Pause,
): AsyncGenerator<{ batch: readonly T[]; first: number; index: number }> {
  for (let index = 0; index * SEQUENCES_A_BATCH < sequences.length; index++) {
    await pause?.();
    const first = index * SEQUENCES_A_BATCH;
    yield { batch: sequences.slice(first, first + SEQUENCES_A_BATCH), first, index };
  }
}

/** Rows of equal length as one tensor, [rows, length]. */
export function joinRows(rows: readonly Int32Array[]): Tensor {
  const width = rows[0].length;
  const joined = new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    joined.set(row, i * width);
  });
  return intTensor(joined, [rows.length, width]);
}
