import { temperatureProblem } from 'calm-lm/errors';
import { z } from 'zod';

export const config = z.strictObject({
  prompt: z.string().default('').describe('Text to go on from; empty starts a document.'),
  temperature: z
    .number()
    .default(0.5)
    .superRefine((temperature, issue) => {
      const problem = temperatureProblem(temperature);
      if (problem) issue.addIssue({ code: 'custom', message: problem });
    })
    .describe('1/n for an integer n: 1, 0.5, 0.3333333333, 0.25, … Lower is safer and duller.'),
  numCandidates: z.int().min(2).default(200).describe('N, candidates a patch of the batch approximation (paper §5.3); not used at temperature 1.'),
  maxTokens: z.int().positive().default(200).describe('Tokens to make, at most.'),
  numSamples: z.int().positive().default(3).describe('How many continuations.'),
  seed: z.int().nonnegative().optional().describe("The samples' own seed; the run's where absent."),
});
