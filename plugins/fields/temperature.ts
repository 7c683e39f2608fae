import { temperatureProblem } from 'calm-lm/errors';
import { z } from 'zod';

/** A field for a temperature in (0, 1]. */
export const temperatureField = z.number().superRefine((temperature, issue) => {
  const problem = temperatureProblem(temperature);
  if (problem) issue.addIssue({ code: 'custom', message: problem });
});
