import { checkLlama, transformerFields } from 'calm-lm/models/config';
import { z } from 'zod';
import { backboneFields } from '../shared/backbone-fields.ts';
import { count } from '../shared/count.ts';
import { trainingFields } from '../shared/training-fields.ts';

export const config = z
  .strictObject({
    ...backboneFields(transformerFields),
    tieWordEmbeddings: transformerFields.tieWordEmbeddings,
    tokensPerSequence: z.int().min(2).default(2048).describe('Tokens a sequence.'),
    sequencesPerStep: count(8).describe('Sequences a micro-batch.'),
    steps: count(250000).describe('Optimiser steps.'),
    warmupSteps: z.int().nonnegative().default(2000).describe('Steps of linear warm-up.'),
    evaluateSequences: count(16).describe('Held-out sequences a measurement, spread evenly.'),
    evaluateBrier: z
      .boolean()
      .default(false)
      .describe(
        'Whether BrierLM is measured with the held-out loss, so that the two can be compared over training.',
      ),
    ...trainingFields,
  })
  .superRefine(checkLlama);
