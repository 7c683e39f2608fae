import { autoencoderFields as fields } from 'calm-lm/models/config';
import { z } from 'zod';
import { count } from '../fields/count.ts';
import { trainingFields } from '../training/fields.ts';

export const config = z.strictObject({
  variant: fields.variant,
  patchSize: fields.patchSize,
  latentSize: fields.latentSize,
  hiddenSize: fields.hiddenSize,
  intermediateSize: fields.intermediateSize,
  numEncoderLayers: fields.numEncoderLayers,
  numDecoderLayers: fields.numDecoderLayers,
  aeDropout: fields.aeDropout,
  latentDropout: fields.latentDropout
    .unwrap()
    .unwrap()
    .optional()
    .describe(fields.latentDropout.description ?? ''),
  klClamp: fields.klClamp,
  klWeight: fields.klWeight,
  initializerRange: fields.initializerRange,
  steps: count(30000).describe('Optimiser steps.'),
  warmupSteps: z.int().nonnegative().default(1000).describe('Steps of linear warm-up.'),
  patchesPerStep: count(512).describe('Patches a micro-batch, drawn from all documents at random.'),
  evaluatePatches: count(4096).describe('Held-out patches a measurement, spread evenly.'),
  ...trainingFields,
});
