/** How `evaluate` puts BrierLM together, and over which text. */

import { z } from 'zod';
import { PROTOCOL } from '../fields/brier.ts';

/**
 * The reference's own evaluation: every block of the concatenated documents. While training it takes blocks
 * of 8,192 tokens; its evaluation script passes no
 * block size and falls to 1,024 (which shifts the score).
 */
export const REFERENCE_BLOCKS: Readonly<Record<string, number>> = {
  'reference-8192': 8192,
  'reference-1024': 1024,
};

export const protocolField = z
  .enum(['weighted', 'reference', 'reference-8192', 'reference-1024'])
  .default('weighted')
  .describe(
    `${PROTOCOL} reference-8192, reference-1024: as reference, over all held-out blocks of so many ` +
      `tokens; two samples, one block a batch.`,
  );
