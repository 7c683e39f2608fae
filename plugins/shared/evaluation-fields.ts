/** Fields of the stages that judge models. */

import { z } from 'zod';
import { count } from './count.ts';
import { temperatureField } from './sampling-fields.ts';

const PROTOCOL =
  'How BrierLM is put together. weighted: every window counts the same, each factor is clamped at 0. reference: every batch counts the same, the product alone is clamped.';

export const protocolField = z.enum(['weighted', 'reference']).default('weighted').describe(PROTOCOL);

/**
 * The reference's own evaluation: every block of the concatenated documents. While training it takes blocks of 8,192 tokens; its evaluation script passes no
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
    `${PROTOCOL} reference-8192, reference-1024: as reference, over all held-out blocks of so many tokens; two samples, one block a batch.`,
  );

export const samplesField = z
  .int()
  .min(2)
  .default(2)
  .describe('S, samples a window in BrierLM; more of them give less noise.');

/** What both evaluations of our own models ask. */
export const brierFields = {
  protocol: protocolField,
  numSamples: samplesField,
  temperatures: z
    .array(temperatureField)
    .nonempty()
    .default([1, 0.5, 1 / 3])
    .describe('Temperatures of the measure `temperature`.'),
  windowsPerSequence: count(8).describe('Windows of a sequence in the measure `temperature`.'),
};

/** Tokens that one held-out sequence of an evaluation has. */
export function tokensAtOnce(
  { protocol, patchesPerSequence }: { readonly protocol: string; readonly patchesPerSequence: number },
  patchSize: number,
): number {
  const block = REFERENCE_BLOCKS[protocol];
  return patchSize * (block === undefined ? patchesPerSequence : Math.floor(block / patchSize));
}
