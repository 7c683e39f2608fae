/** How long the held-out sequences of an evaluation are. */

import { sequenceTooShort } from 'calm-lm/errors';
import { LEAST_PATCHES, standardPatches } from 'calm-lm/evaluation/measures';
import { REFERENCE_BLOCKS } from './protocols.ts';

interface Lengths {
  readonly protocol?: unknown;
  readonly patchesPerSequence?: number | undefined;
  readonly tokensPerSequence?: number | undefined;
}

/** Patches that one held-out sequence of an evaluation has. */
export function patchesAtOnce(
  { protocol, patchesPerSequence, tokensPerSequence }: Lengths,
  patchSize: number,
  isTransformer = false,
): number {
  const block = REFERENCE_BLOCKS[String(protocol)];
  if (block !== undefined) return Math.floor(block / patchSize);
  if (tokensPerSequence === undefined) return patchesPerSequence ?? standardPatches(isTransformer);
  const patches = Math.floor(tokensPerSequence / patchSize);
  if (patches < LEAST_PATCHES) throw sequenceTooShort(tokensPerSequence, patchSize, LEAST_PATCHES);
  return patches;
}

/** The same in tokens. */
export function tokensAtOnce(lengths: Lengths, patchSize: number, isTransformer = false): number {
  return patchSize * patchesAtOnce(lengths, patchSize, isTransformer);
}
