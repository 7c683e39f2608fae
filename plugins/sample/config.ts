import { z } from 'zod';
import { headSamplingField } from '../shared/head-sampling.ts';
import { samplingFields } from '../shared/sampling-fields.ts';

export const config = z.strictObject({
  ...samplingFields,
  sampler: z
    .enum(['batch', 'exact'])
    .default('batch')
    .describe(
      'How the temperature is reached. batch: chosen among numCandidates (paper, Algorithm 2). exact: by rejection (Algorithm 1), as many draws as it takes.',
    ),
  numCandidates: z
    .int()
    .min(2)
    .default(200)
    .describe('N, candidates a patch of the batch approximation; not used at temperature 1.'),
  drawBudget: z
    .int()
    .min(2)
    .default(20_000)
    .describe(
      'Draws that the exact algorithm may take for one patch; then the batch approximation chooses among them, which is said and counted.',
    ),
  headSampling: headSamplingField,
  prompts: z
    .string()
    .optional()
    .describe('A JSON Lines file of prompts, `{"prompt": …}` a line, instead of one prompt.'),
  results: z
    .string()
    .optional()
    .describe(
      'With `prompts`: the JSON Lines file to write; each line is a line of `prompts` with its `samples` and settings. What it has already is not made again.',
    ),
  numSamples: z.int().positive().default(3).describe('How many continuations.'),
});
