import { TRANSFORMER_DEFAULTS as defaults } from 'calm-lm/models/config';
import { z } from 'zod';
import { count } from '../shared/count.ts';
import { backboneFields, checkHeads, trainingFields } from '../shared/training-fields.ts';

export const config = z
  .strictObject({
    ...backboneFields(defaults),
    tieWordEmbeddings: z
      .boolean()
      .default(defaults.tieWordEmbeddings)
      .describe('Whether the head is the input embedding instead of a matrix of its own.'),
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
  .superRefine(checkHeads);
