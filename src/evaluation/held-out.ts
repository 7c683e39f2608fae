/** The held-out text that an evaluation takes: sequences or patches, spread evenly over the split. */

import type { TokenShards } from '../artifacts/index.ts';
import { type DocumentPatches, evenlySpread, PatchSequences } from '../data/index.ts';
import { notEnoughTokens } from '../errors.ts';
import type { Pause } from './batches.ts';
import type { HeldOut } from './measures/measure.ts';

/** What is asked for, by the key of the configuration that says it. */
interface Wanted {
  readonly key: string;
  readonly count: number;
}

interface Notes {
  note(message: string): void;
}

interface Telling {
  readonly report: Notes;
  /** Awaited between short pieces of work: it lets signals be heard, and throws where the work is to stop. */
  readonly pause: Pause;
}

/**
 * Where less is there than was asked for, all of it is taken, and that is said.
 * @param things what they are, in the plural
 */
export function noteFewer({ key, count }: Wanted, found: number, things: string, report: Notes): void {
  if (Number.isFinite(count) && found < count)
    report.note(`${key} asks for ${count} ${things}, and there are ${found}: all of them are used`);
}

/**
 * Held-out sequences, spread evenly over the validation split: as many as are wanted, or all that there are.
 */
export async function heldOutSequences(
  tokens: TokenShards,
  { patchSize, patchesPerSequence }: { readonly patchSize: number; readonly patchesPerSequence: number },
  wanted: Wanted,
  { report, pause }: Telling,
): Promise<HeldOut> {
  const stream = tokens.split('validation');
  const all = new PatchSequences(stream, patchSize, patchesPerSequence);
  if (all.numSequences === 0)
    throw notEnoughTokens('validation', stream.length, patchSize * patchesPerSequence);
  noteFewer(wanted, all.numSequences, 'held-out sequences', report);
  const chosen = evenlySpread(all.numSequences, wanted.count);
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
  { report, pause }: Telling,
): Promise<Int32Array> {
  noteFewer(wanted, patches.numPatches, 'held-out patches', report);
  const chosen = evenlySpread(patches.numPatches, wanted.count);
  const ids = new Int32Array(chosen.length * patches.patchSize);
  for (let first = 0; first < chosen.length; first += PATCHES_AT_ONCE) {
    await pause();
    ids.set(patches.readMany(chosen.slice(first, first + PATCHES_AT_ONCE)), first * patches.patchSize);
  }
  return ids;
}
