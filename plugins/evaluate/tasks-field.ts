/** The option `tasks`: files of questions, and how they are asked. */

import { NORMALIZATIONS } from 'calm-lm/evaluation/measures';
import { z } from 'zod';
import { count } from '../fields/count.ts';
import { temperatureField } from '../fields/temperature.ts';

const task = z.strictObject({
  file: z.string().describe('A file of questions: JSON lines of ours, or GSM8K’s or HellaSwag’s own.'),
  name: z.string().optional().describe('What it is called in results; the name of its file where absent.'),
  limit: z.int().positive().optional().describe('Questions, spread evenly over the file; all where absent.'),
  shots: z.int().nonnegative().default(0).describe('Examples with their answers before each question.'),
  shotsFrom: z
    .string()
    .optional()
    .describe('A file that examples are drawn from; the file itself where absent.'),
  separator: z.string().default('\n\n').describe('What stands between examples.'),
  chat: z
    .boolean()
    .default(false)
    .describe('Whether questions are what a user says, by the chat template of the tokenizer.'),
  numSamples: count(1).describe('Answers that are written to each question.'),
  passAt: z.array(z.int().positive()).optional().describe('Each k of pass@k; 1 and numSamples where absent.'),
  temperature: temperatureField.default(0.5).describe('Temperature at which answers are written.'),
  numCandidates: z
    .int()
    .min(2)
    .optional()
    .describe('Of a CALM: candidates a patch, 200 where absent. A Transformer needs none.'),
  maxTokens: z
    .int()
    .positive()
    .optional()
    .describe('Tokens of an answer; what its format says where absent.'),
  stop: z.array(z.string().min(1)).optional().describe('Texts that end an answer; likewise.'),
  pattern: z
    .string()
    .optional()
    .describe('A regular expression, the first group of which is the answer in what was written; likewise.'),
  normalize: z
    .enum(NORMALIZATIONS)
    .optional()
    .describe('How answers are made alike before they are compared: text, number or none; likewise.'),
  choiceSamples: count(100).describe('Of a CALM: draws for each patch of a choice.'),
  seed: z.int().nonnegative().optional().describe('Of examples and answers; that of the run where absent.'),
});

export type Task = z.infer<typeof task>;

export const tasksField = z
  .array(z.union([z.string().transform((file): Task => task.parse({ file })), task]))
  .nonempty()
  .optional()
  .describe('Files of questions that the measure `tasks` asks, or objects with `file` and how it is asked.');
