/** The fields that say what a training begins with, and what of it is learnt how fast. */

import { z } from 'zod';

const place = z.strictObject({
  from: z.string().describe('A run, or a model folder.'),
  checkpoint: z
    .union([z.literal('best'), z.int().nonnegative()])
    .optional()
    .describe('A saved step of its training instead of its result.'),
  stage: z.string().optional().describe('Which one, where the run has several.'),
});

export type StartPlace = z.output<typeof place>;

export const startFields = {
  initFrom: z
    .union([z.string().transform((from): StartPlace => ({ from })), place])
    .optional()
    .describe(
      'The model whose weights it begins with: a run, a model folder, or { from, checkpoint, stage } for a ' +
        'saved step. What that model does not have, as another head, is drawn.',
    ),
  freeze: z
    .array(z.string())
    .optional()
    .describe('Parameters that stay as they are, by name; * stands for any text: [transformer.layers.*].'),
  learningRates: z
    .record(z.string(), z.number().positive())
    .optional()
    .describe('Factors of the learning rate by names as in freeze; the last that fits counts.'),
};

export interface StartConfig {
  readonly initFrom?: StartPlace | undefined;
  readonly freeze?: readonly string[] | undefined;
  readonly learningRates?: Readonly<Record<string, number>> | undefined;
}
