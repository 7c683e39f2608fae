/** Fields of the stages that score BrierLM. */

import { z } from 'zod';

export const PROTOCOL =
  'How BrierLM is put together. weighted: every window counts the same, each factor is clamped at 0. ' +
  'reference: every batch counts the same, the product alone is clamped.';

export const protocolField = z.enum(['weighted', 'reference']).default('weighted').describe(PROTOCOL);

export const samplesField = z
  .int()
  .min(2)
  .default(2)
  .describe('S, samples a window in BrierLM; more of them give less noise.');
