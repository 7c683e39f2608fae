/** Sequences in batches, and as tensors. */

import { intTensor, type Tensor } from '../engine/index.ts';

/** Sequences that are judged at once. */
const SEQUENCES_A_BATCH = 8;

/** Batches of sequences, each with the number of its first. */
export function inBatches<T>(
  sequences: readonly T[],
): { batch: readonly T[]; first: number; index: number }[] {
  return Array.from({ length: Math.ceil(sequences.length / SEQUENCES_A_BATCH) }, (_, index) => {
    const first = index * SEQUENCES_A_BATCH;
    return { batch: sequences.slice(first, first + SEQUENCES_A_BATCH), first, index };
  });
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
