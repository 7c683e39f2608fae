/** What both evaluations share: sequences that are scored, batches of them, the unigram sampler. */

import type { TokenShards } from 'calm-lm/artifacts';
import { evenlySpread, PatchSequences } from 'calm-lm/data';
import { notEnoughTokens } from 'calm-lm/errors';
import {
  aggregateBrier,
  type BrierBatch,
  type BrierProtocol,
  brierInterval,
  UnigramCounts,
} from 'calm-lm/evaluation';
import type { StageReport } from 'calm-lm/plugin';
import type { BrierReport, UnigramReport } from './evaluations.ts';

/** Sequences that are scored, and the document of each. */
export interface HeldOut {
  readonly sequences: readonly Int32Array[];
  readonly documents: readonly number[];
}

export function heldOutSequences(
  tokens: TokenShards,
  patchSize: number,
  patchesPerSequence: number,
  numSequences: number,
): HeldOut {
  const stream = tokens.split('validation');
  const sequences = new PatchSequences(stream, patchSize, patchesPerSequence);
  if (sequences.numSequences === 0)
    throw notEnoughTokens('validation', stream.length, patchSize * patchesPerSequence);
  const chosen = evenlySpread(sequences.numSequences, numSequences);
  return {
    sequences: chosen.map((sequence) => sequences.read(sequence)),
    documents: sequences.documentsOf(chosen),
  };
}

/** Calls `visit` batch by batch, showing how far it is and stopping when asked. */
export async function eachBatch(
  sequences: readonly Int32Array[],
  size: number,
  { report, signal }: { readonly report: Pick<StageReport, 'progress'>; readonly signal: AbortSignal },
  visit: (batch: readonly Int32Array[], first: number) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < sequences.length; first += size) {
    signal.throwIfAborted();
    await visit(sequences.slice(first, first + size), first);
    report.progress({ step: Math.min(first + size, sequences.length), steps: sequences.length });
    await new Promise(setImmediate);
  }
}

/** One score, with its interval. */
export function brierReport(
  batches: readonly BrierBatch[],
  documents: readonly number[],
  { protocol, numSamples }: { readonly protocol: BrierProtocol; readonly numSamples: number },
  seed: number,
): BrierReport {
  const rows = batches.flatMap((batch) => batch.rows);
  const interval = brierInterval(rows, documents, protocol, seed);
  return { ...aggregateBrier(batches, protocol), ...(interval ? { interval } : {}), numSamples, protocol };
}

const TOKENS_AT_ONCE = 2 ** 20;

/** BrierLM of a sampler that draws every token from the training split's frequencies. */
export function unigramReport(
  tokens: TokenShards,
  { sequences, documents }: HeldOut,
  patchSize: number,
  seed: number,
): UnigramReport {
  const counts = new UnigramCounts(tokens.index.vocabSize);
  const train = tokens.split('train');
  for (let start = 0; start < train.length; start += TOKENS_AT_ONCE)
    counts.add(train.read(start, Math.min(TOKENS_AT_ONCE, train.length - start)));
  const { rows, ...score } = counts.score(
    sequences.map((ids) => ids.subarray(patchSize)),
    patchSize,
  );
  const interval = brierInterval(rows, documents, 'weighted', seed);
  return { ...score, ...(interval ? { interval } : {}) };
}
