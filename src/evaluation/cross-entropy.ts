/** Cross-entropy of a model with a likelihood on held-out sequences. B rows · T tokens. */

import { commonLength, elementAt } from '../elements.ts';
import { disposeTree, floatTensor, intTensor, type Tensor } from '../engine/index.ts';
import { countedPositions, inBatches, joinRows, type Pause } from './batches.ts';
import type { LikelyModel } from './brier-exact.ts';

/**
 * Nats a token, averaged over all tokens but the first of each sequence; lower is better. Its exponential is
 * the perplexity.
 * @param sequences token ids of one length
 * @param pause awaited between batches
 * @param learnt of each sequence which tokens count, 1 or 0; all where absent
 */
export async function measureCrossEntropy(
  model: Pick<LikelyModel, 'likelihood'>,
  sequences: readonly Int32Array[],
  pause?: Pause,
  learnt?: readonly Uint8Array[],
): Promise<number> {
  let sum = 0;
  const numIn = (rows: readonly Int32Array[], first: number) =>
    rows.reduce((count, row, i) => count + numCounted(learnt?.[first + i], row), 0);
  const all = numIn(sequences, 0);
  for await (const { batch: rows, first } of inBatches(sequences, pause)) {
    const batch = tokenBatch(rows, learnt?.slice(first, first + rows.length));
    const { ids, targets, ...counted } = batch;
    const loss = await model.likelihood.crossEntropy(ids, targets, counted);
    sum += (numIn(rows, first) / all) * loss;
    disposeTree(batch);
  }
  return sum;
}

function numCounted(learnt: Uint8Array | undefined, row: Int32Array): number {
  return learnt ? learnt.subarray(1).reduce((sum, one) => sum + one, 0) : row.length - 1;
}

/** Sequences of tokens as a model reads them, and what it is to predict. */
export type TokenBatch = {
  /** [rows, T−1]: every token but the last. */
  readonly ids: Tensor;
  /** The next token of each, row by row; of `positions` alone where they are given. */
  readonly targets: Tensor;
  /** Where not every token counts: those of the rows·(T−1) that do, int32, and their weights. */
  readonly positions?: Tensor;
  readonly weights?: Tensor;
};

/** @param learnt of each sequence which tokens count, 1 or 0; all where absent */
export function tokenBatch(sequences: readonly Int32Array[], learnt?: readonly Uint8Array[]): TokenBatch {
  const width = commonLength(sequences) - 1;
  const next = new Int32Array(sequences.length * width);
  sequences.forEach((ids, row) => {
    next.set(ids.subarray(1), row * width);
  });
  const ids = joinRows(sequences.map((row) => row.subarray(0, width)));
  if (!learnt) return { ids, targets: intTensor(next) };
  const { positions, weights } = countedPositions(
    learnt.flatMap((ofRow) => Array.from(ofRow.subarray(1), (one) => one !== 0)),
  );
  return {
    ids,
    targets: intTensor(Int32Array.from(positions, (at) => elementAt(next, at))),
    positions: intTensor(positions),
    weights: floatTensor(weights, [weights.length]),
  };
}
