/** How long the held-out sequences of an evaluation are. */

import { sequenceTooShort } from 'calm-lm/errors';
import { REFERENCE_BLOCKS } from './protocols.ts';

/** Patches that a sequence must have, so that a window of four tokens follows its first patch. */
export const LEAST_PATCHES = 6;

/** What is scored of a sequence where nothing is said: as much as fits both kinds of models. */
const [STANDARD_PATCHES, STANDARD_TOKENS] = [64, 256];

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
  if (tokensPerSequence === undefined)
    return patchesPerSequence ?? (isTransformer ? STANDARD_TOKENS : STANDARD_PATCHES);
  const patches = Math.floor(tokensPerSequence / patchSize);
  if (patches < LEAST_PATCHES) throw sequenceTooShort(tokensPerSequence, patchSize, LEAST_PATCHES);
  return patches;
}

/** The same in tokens. */
export function tokensAtOnce(lengths: Lengths, patchSize: number, isTransformer = false): number {
  return patchSize * patchesAtOnce(lengths, patchSize, isTransformer);
}
