import { CALM_DEFAULTS as defaults, NUM_TARGET_SAMPLES } from 'calm-lm/models/config';
import { z } from 'zod';
import { trainingFields } from '../training-fields.ts';

const count = (value: number) => z.int().positive().default(value);

export const config = z
  .strictObject({
    hiddenSize: count(defaults.hiddenSize).describe('Width of the backbone and of the head.'),
    intermediateSize: count(defaults.intermediateSize).describe('Width inside SwiGLU.'),
    numHiddenLayers: count(defaults.numHiddenLayers).describe('Layers of the backbone.'),
    numAttentionHeads: count(defaults.numAttentionHeads).describe('Attention heads.'),
    numKeyValueHeads: z.int().positive().optional().describe('Key/value heads of grouped-query attention; as many as attention heads where absent.'),
    ropeTheta: z.number().positive().default(defaults.ropeTheta).describe('Base of the rotary positions.'),
    numMlpLayers: count(defaults.numMlpLayers).describe('Residual blocks of the energy head.'),
    noiseSize: count(defaults.noiseSize).describe('Numbers of uniform noise that a sample is made from.'),
    numSamples: z.int().min(2).default(defaults.numSamples).describe('N, model samples a position in the energy loss.'),
    numTargetSamples: count(NUM_TARGET_SAMPLES).describe('M, draws of the target posterior a position.'),
    beta: z.number().gt(0).lt(2).default(defaults.beta).describe('Exponent of the energy score; proper in (0, 2).'),
    initializerRange: z
      .number()
      .positive()
      .default(defaults.initializerRange)
      .describe('Standard deviation of the first weights; narrow models learn sooner from larger ones.'),
    patchesPerSequence: z.int().min(2).default(2048).describe('P, patches a sequence.'),
    sequencesPerStep: count(8).describe('Sequences a micro-batch.'),
    steps: count(250000).describe('Optimiser steps.'),
    warmupSteps: z.int().nonnegative().default(2000).describe('Steps of linear warm-up.'),
    evaluateSequences: count(16).describe('Held-out sequences a measurement, spread evenly.'),
    ...trainingFields,
  })
  .refine(({ hiddenSize, numAttentionHeads }) => hiddenSize % (2 * numAttentionHeads) === 0, {
    message: 'must be a multiple of 2 · numAttentionHeads',
    path: ['hiddenSize'],
  })
  .refine(({ numAttentionHeads, numKeyValueHeads = numAttentionHeads }) => numAttentionHeads % numKeyValueHeads === 0, {
    message: 'must divide numAttentionHeads',
    path: ['numKeyValueHeads'],
  });
