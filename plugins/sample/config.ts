import { z } from 'zod';
import { headSamplingField } from '../fields/head-sampling.ts';
import { temperatureField } from '../fields/temperature.ts';

export const config = z.strictObject({
  prompt: z.string().default('').describe('Text to continue; empty starts a document.'),
  temperature: temperatureField
    .default(0.5)
    .describe('In (0, 1]; lower is safer and duller, 1 leaves the model as it is.'),
  maxTokens: z.int().positive().default(200).describe('Tokens to make, at most.'),
  stop: z
    .array(z.string().min(1))
    .optional()
    .describe('Texts that end a continuation; they are no part of it. The flag may be repeated.'),
  seed: z.int().nonnegative().optional().describe("The samples' own seed; the run's where absent."),
  sampler: z
    .enum(['batch', 'exact'])
    .optional()
    .describe(
      'How a CALM reaches the temperature. batch: chosen among numCandidates (paper, Algorithm 2). ' +
        'exact: by rejection (Algorithm 1), as many draws as it takes. batch where absent.',
    ),
  numCandidates: z
    .int()
    .min(2)
    .optional()
    .describe(
      'N, candidates a patch of the batch approximation; not used at temperature 1. 200 where absent.',
    ),
  drawBudget: z
    .int()
    .min(2)
    .optional()
    .describe(
      'Draws that the exact algorithm may take for one patch; then the batch approximation chooses ' +
        'among them, which is said and counted. 20,000 where absent.',
    ),
  topK: z
    .int()
    .positive()
    .optional()
    .describe('Of a Transformer: only the k likeliest tokens; all where absent.'),
  topP: z
    .number()
    .gt(0)
    .lte(1)
    .optional()
    .describe(
      'Of a Transformer: only the likeliest tokens that together reach this probability; all where absent.',
    ),
  chat: z
    .boolean()
    .optional()
    .describe(
      'Whether a prompt is what a user says, and its continuation the answer, by the chat template of the ' +
        "model's tokenizer.",
    ),
  headSampling: headSamplingField,
  prompts: z
    .string()
    .optional()
    .describe(
      'A JSON Lines file of prompts, `{"prompt": …}` a line, or of chats, `{"messages": [{"role": …, ' +
        '"content": …}]}`, instead of one prompt.',
    ),
  results: z
    .string()
    .optional()
    .describe(
      'With `prompts`: the JSON Lines file to write; each line is a line of `prompts` with its ' +
        '`samples` and settings. What it has already is not made again.',
    ),
  numSamples: z.int().positive().default(3).describe('How many continuations.'),
  textsAtOnce: z
    .int()
    .positive()
    .default(8)
    .describe('Texts that are written at once, in one batch; they are the same whatever it is.'),
});
