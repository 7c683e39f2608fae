/** Fields of the stages that evaluate models. */

import { sequenceTooShort } from 'calm-lm/errors';
import { z } from 'zod';

const PROTOCOL =
  'How BrierLM is put together. weighted: every window counts the same, each factor is clamped at 0. ' +
  'reference: every batch counts the same, the product alone is clamped.';

export const protocolField = z.enum(['weighted', 'reference']).default('weighted').describe(PROTOCOL);

/**
 * The reference's own evaluation: every block of the concatenated documents. While training it takes blocks
 * of 8,192 tokens; its evaluation script passes no
 * block size and falls to 1,024 (which shifts the score).
 */
export const REFERENCE_BLOCKS: Readonly<Record<string, number>> = {
  'reference-8192': 8192,
  'reference-1024': 1024,
};

export const calmProtocolField = z
  .enum(['weighted', 'reference', 'reference-8192', 'reference-1024'])
  .default('weighted')
  .describe(
    `${PROTOCOL} reference-8192, reference-1024: as reference, over all held-out blocks of so many ` +
      `tokens; two samples, one block a batch.`,
  );

export const samplesField = z
  .int()
  .min(2)
  .default(2)
  .describe('S, samples a window in BrierLM; more of them give less noise.');

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
