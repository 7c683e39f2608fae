/** Fields of the stages that draw text. */

import { temperatureProblem } from 'calm-lm/errors';
import { z } from 'zod';

export const temperatureField = z.number().superRefine((temperature, issue) => {
  const problem = temperatureProblem(temperature);
  if (problem) issue.addIssue({ code: 'custom', message: problem });
});

const LOWER = 'In (0, 1]; lower is safer and duller, 1 leaves the model as it is.';

export const samplingFields = {
  prompt: z.string().default('').describe('Text to go on from; empty starts a document.'),
  temperature: temperatureField.default(0.5).describe(LOWER),
  maxTokens: z.int().positive().default(200).describe('Tokens to make, at most.'),
  seed: z.int().nonnegative().optional().describe("The samples' own seed; the run's where absent."),
};
