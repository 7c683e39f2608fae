/** Cross-entropy of a model with a likelihood on held-out sequences. B rows · T tokens. */

import { disposeTree, intTensor } from '../engine/index.ts';
import { inBatches, joinRows, type Pause } from './batches.ts';
import type { LikelyModel } from './brier-exact.ts';

/**
 * Nats a token, averaged over all tokens but the first of each sequence; lower is better. Its exponential is
 * the perplexity.
 * @param sequences token ids of one length
 * @param pause awaited between batches
 */
export async function measureCrossEntropy(
  model: Pick<LikelyModel, 'likelihood'>,
  sequences: readonly Int32Array[],
  pause?: Pause,
): Promise<number> {
  let sum = 0;
  for await (const { batch: rows } of inBatches(sequences, pause)) {
    const ids = joinRows(rows.map((row) => row.subarray(0, row.length - 1)));
    const targets = intTensor(Int32Array.from(rows.flatMap((row) => [...row.subarray(1)])));
    const loss = await model.likelihood.crossEntropy(ids, targets);
    sum += (rows.length / sequences.length) * loss;
    disposeTree({ ids, targets });
  }
  return sum;
}
