import { z } from 'zod';
import { samplingFields } from '../shared/sampling-fields.ts';

export const config = z.strictObject({
  ...samplingFields,
  topK: z.int().positive().optional().describe('Only the k likeliest tokens; all where absent.'),
  topP: z
    .number()
    .gt(0)
    .lte(1)
    .optional()
    .describe('Only the likeliest tokens that together reach this probability; all where absent.'),
  numSamples: z.int().positive().default(3).describe('How many continuations.'),
});
