import { headProblem } from 'calm-lm/errors';
import {
  CALM_DEFAULTS as defaults,
  headNames,
  INPUT_MODES,
  LARGEST_SIZE,
  NUM_TARGET_SAMPLES,
} from 'calm-lm/models/config';
import { z } from 'zod';
import { count, layers, size } from '../shared/count.ts';
import { backboneFields, checkHeads, trainingFields } from '../shared/training-fields.ts';

export const config = z
  .strictObject({
    head: z
      .string()
      .default(defaults.modelType)
      .superRefine((name, issue) => {
        const problem = headProblem(name, headNames());
        if (problem) issue.addIssue({ code: 'custom', message: problem });
      })
      .describe('The generative head: energy, diffusion, flow, or one that a plugin registers.'),
    inputMode: z
      .enum(INPUT_MODES)
      .default(defaults.inputMode)
      .describe('What the backbone reads of a patch: its tokens, its latent vector, or both.'),
    ...backboneFields(defaults),
    numMlpLayers: layers(defaults.numMlpLayers).describe('Residual blocks of the head.'),
    noiseSize: size(defaults.noiseSize).describe(
      'Numbers of uniform noise that a sample of the energy head is made from.',
    ),
    numSamples: z
      .int()
      .min(2)
      .max(LARGEST_SIZE)
      .default(defaults.numSamples)
      .describe('N, model samples a position in the energy loss; targets a position for diffusion and flow.'),
    numTargetSamples: count(NUM_TARGET_SAMPLES).describe(
      'M, draws of the target posterior a position in the energy loss.',
    ),
    beta: z
      .number()
      .gt(0)
      .lte(2)
      .default(defaults.beta)
      .describe('Exponent of the energy score; strictly proper below 2.'),
    patchesPerSequence: z.int().min(2).default(2048).describe('P, patches a sequence.'),
    sequencesPerStep: count(8).describe('Sequences a micro-batch.'),
    steps: count(250000).describe('Optimiser steps.'),
    warmupSteps: z.int().nonnegative().default(2000).describe('Steps of linear warm-up.'),
    evaluateSequences: count(16).describe('Held-out sequences a measurement, spread evenly.'),
    ...trainingFields,
  })
  .superRefine(checkHeads);
