/** What evaluations share: sequences that are scored, batches of them, the unigram sampler. */

import type { TokenShards } from 'calm-lm/artifacts';
import { type DocumentPatches, evenlySpread, PatchSequences } from 'calm-lm/data';
import { notEnoughTokens } from 'calm-lm/errors';
import {
  aggregateBrier,
  type BrierBatch,
  type BrierProtocol,
  brierInterval,
  UnigramCounts,
  windowsIn,
} from 'calm-lm/evaluation';
import type { HeldOut } from 'calm-lm/evaluation/measures';
import type { StageReport } from 'calm-lm/plugin';

import type { BrierReport, UnigramReport } from './evaluations.ts';
import { pauseFor } from './pause.ts';

export type { HeldOut };

/** What is asked for, by the key of the configuration that says it. */
interface Wanted {
  readonly key: string;
  readonly count: number;
}

interface Telling {
  readonly report: Pick<StageReport, 'note'>;
  readonly signal: AbortSignal;
}

/**
 * Where less is there than was asked for, all of it is taken, and that is said.
 * @param things what they are, in the plural
 */
export function noteFewer(
  { key, count }: Wanted,
  found: number,
  things: string,
  report: Pick<StageReport, 'note'>,
): void {
  if (Number.isFinite(count) && found < count)
    report.note(`${key} asks for ${count} ${things}, and there are ${found}: all of them are used`);
}

/** The same of windows in a sequence of so many tokens. */
export function noteFewerWindows(
  windowsPerSequence: number,
  length: number,
  patchSize: number,
  report: Pick<StageReport, 'note'>,
): void {
  const wanted = { key: 'windowsPerSequence', count: windowsPerSequence };
  noteFewer(wanted, windowsIn(length, patchSize), 'windows a sequence', report);
}

/**
 * Held-out sequences, spread evenly over the validation split: as many as are wanted, or all that there are.
 */
export async function heldOutSequences(
  tokens: TokenShards,
  { patchSize, patchesPerSequence }: { readonly patchSize: number; readonly patchesPerSequence: number },
  wanted: Wanted,
  { report, signal }: Telling,
): Promise<HeldOut> {
  const stream = tokens.split('validation');
  const all = new PatchSequences(stream, patchSize, patchesPerSequence);
  if (all.numSequences === 0)
    throw notEnoughTokens('validation', stream.length, patchSize * patchesPerSequence);
  noteFewer(wanted, all.numSequences, 'held-out sequences', report);
  const chosen = evenlySpread(all.numSequences, wanted.count);
  const pause = pauseFor(signal);
  const sequences: Int32Array[] = [];
  for (const sequence of chosen) {
    await pause();
    sequences.push(all.read(sequence));
  }
  return { sequences, documents: all.documentsOf(chosen) };
}

const PATCHES_AT_ONCE = 256;

/**
 * Held-out patches, spread evenly over the documents of the validation split: as many as are wanted, or all
 * that there are. [patches·K]
 */
export async function heldOutPatches(
  patches: DocumentPatches,
  wanted: Wanted,
  { report, signal }: Telling,
): Promise<Int32Array> {
  noteFewer(wanted, patches.numPatches, 'held-out patches', report);
  const chosen = evenlySpread(patches.numPatches, wanted.count);
  const ids = new Int32Array(chosen.length * patches.patchSize);
  const pause = pauseFor(signal);
  for (let first = 0; first < chosen.length; first += PATCHES_AT_ONCE) {
    await pause();
    ids.set(patches.readMany(chosen.slice(first, first + PATCHES_AT_ONCE)), first * patches.patchSize);
  }
  return ids;
}

/** What scores need besides sums: random numbers for the interval, and whether to stop. */
interface Scoring {
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** One score, with its interval. */
export async function brierReport(
  batches: readonly BrierBatch[],
  documents: readonly number[],
  { protocol, numSamples }: { readonly protocol: BrierProtocol; readonly numSamples: number },
  { seed, signal }: Scoring,
): Promise<BrierReport> {
  const rows = batches.flatMap((batch) => batch.rows);
  const interval = await brierInterval(rows, documents, protocol, seed, { pause: pauseFor(signal) });
  return { ...aggregateBrier(batches, protocol), ...(interval ? { interval } : {}), numSamples, protocol };
}

const TOKENS_AT_ONCE = 2 ** 20;

/** BrierLM of a sampler that draws every token from the training split's frequencies. */
export async function unigramReport(
  tokens: TokenShards,
  { sequences, documents }: HeldOut,
  patchSize: number,
  { seed, signal }: Scoring,
): Promise<UnigramReport> {
  const pause = pauseFor(signal);
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
