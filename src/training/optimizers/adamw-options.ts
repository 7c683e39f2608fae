/** The options of AdamW and their defaults. Loads no tensor library. */

import { z } from 'zod';

/** Defaults: paper §7.1. */
export const adamWOptions = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the first moment.'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the second moment.'),
  epsilon: z.number().positive().default(1e-8).describe('AdamW: added to the root of the second moment.'),
  weightDecay: z
    .number()
    .nonnegative()
    .default(0.1)
    .describe('AdamW: decay of matrices and embeddings; biases and norm weights have none.'),
});

export type AdamWOptions = z.infer<typeof adamWOptions>;

export const ADAMW_DEFAULTS: AdamWOptions = adamWOptions.parse({});
