/** BrierLM as it is reported: the score of all batches, with its interval. */

import type { TokenShards } from '../artifacts/index.ts';
import type { Pause } from './batches.ts';
import { type BrierInterval, brierInterval } from './bootstrap.ts';
import { aggregateBrier, type BrierBatch, type BrierProtocol, type BrierScore } from './brier-score.ts';
import type { HeldOut } from './measures/measure.ts';
import { UnigramCounts } from './unigram.ts';

/** BrierLM as scripts read it; brierLM is × 100, as the paper prints it, the factors are fractions. */
export interface BrierReport extends BrierScore {
  /** Samples a position. */
  readonly numSamples: number;
  readonly protocol: string;
  /** 95 %, from the bootstrap over documents; absent where there is only one sequence. */
  readonly interval?: BrierInterval;
}

export type UnigramReport = BrierScore & { readonly interval?: BrierInterval };

/** What scores need besides sums: random numbers for the interval, and whether to stop. */
interface Scoring {
  readonly seed: number;
  readonly pause: Pause;
}

/** One score, with its interval. */
export async function brierReport(
  batches: readonly BrierBatch[],
  documents: readonly number[],
  { protocol, numSamples }: { readonly protocol: BrierProtocol; readonly numSamples: number },
  { seed, pause }: Scoring,
): Promise<BrierReport> {
  const rows = batches.flatMap((batch) => batch.rows);
  const interval = await brierInterval(rows, documents, protocol, seed, { pause });
  return { ...aggregateBrier(batches, protocol), ...(interval ? { interval } : {}), numSamples, protocol };
}

const TOKENS_AT_ONCE = 2 ** 20;

/** BrierLM of a sampler that draws every token from the training split's frequencies. */
export async function unigramReport(
  tokens: TokenShards,
  { sequences, documents }: HeldOut,
  patchSize: number,
  { seed, pause }: Scoring,
): Promise<UnigramReport> {
  const counts = new UnigramCounts(tokens.index.vocabSize);
  const train = tokens.split('train');
  for (let start = 0; start < train.length; start += TOKENS_AT_ONCE) {
    await pause();
    counts.add(train.read(start, Math.min(TOKENS_AT_ONCE, train.length - start)));
  }
  const { rows, ...score } = counts.score(
    sequences.map((ids) => ids.subarray(patchSize)),
    patchSize,
  );
  const interval = await brierInterval(rows, documents, 'weighted', seed, { pause });
  return { ...score, ...(interval ? { interval } : {}) };
}
