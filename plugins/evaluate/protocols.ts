/** How `evaluate` puts BrierLM together, and over which text. */

import { z } from 'zod';
import { PROTOCOL } from '../fields/brier.ts';

/** The reference's own evaluation: every block of so many tokens of the concatenated documents. */
export const REFERENCE_BLOCKS: Readonly<Record<string, number>> = { 'reference-8192': 8192 };

const PROTOCOLS = ['weighted', 'reference', 'reference-8192'] as const;

export const protocolField = z
  .enum(PROTOCOLS, { error: `must be ${PROTOCOLS.slice(0, -1).join(', ')} or ${PROTOCOLS.at(-1)}` })
  .default('weighted')
  .describe(
    `${PROTOCOL} reference-8192: as reference, over all held-out blocks of 8,192 tokens; two samples, one ` +
      'block a batch.',
  );
