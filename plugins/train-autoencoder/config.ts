import { AUTOENCODER_DEFAULTS as defaults } from 'calm-lm/models/config';
import { z } from 'zod';
import { count, layers, size } from '../shared/count.ts';
import { trainingFields } from '../shared/training-fields.ts';

export const config = z.strictObject({
  variant: z
    .enum(['robust', 'plain'])
    .default(defaults.variant)
    .describe(
      'robust: noise, KL and dropout (paper §2.2), for language models. plain: reconstruction alone (§2.1).',
    ),
  patchSize: size(defaults.patchSize).describe('K, tokens a patch.'),
  latentSize: size(defaults.latentSize).describe('l, numbers a latent vector.'),
  hiddenSize: size(defaults.hiddenSize).describe('Width of its layers and embeddings.'),
  intermediateSize: size(defaults.intermediateSize).describe('Width inside SwiGLU.'),
  numEncoderLayers: layers(defaults.numEncoderLayers, 0).describe(
    'Half of them before the patch is squeezed, half after.',
  ),
  numDecoderLayers: layers(defaults.numDecoderLayers, 0).describe(
    'Half of them before the latent is expanded, half after.',
  ),
  aeDropout: z
    .number()
    .min(0)
    .lt(1)
    .default(defaults.aeDropout)
    .describe('Rate of token dropout, and of latent dropout unless that has its own.'),
  latentDropout: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('Rate of latent dropout where it differs from aeDropout.'),
  klClamp: z.number().nonnegative().default(defaults.klClamp).describe('Free nats a latent dimension.'),
  klWeight: z.number().nonnegative().default(defaults.klWeight).describe('Weight of the KL term.'),
  initializerRange: z
    .number()
    .positive()
    .default(defaults.initializerRange)
    .describe('Standard deviation of the first weights.'),
  steps: count(30000).describe('Optimiser steps.'),
  warmupSteps: z.int().nonnegative().default(1000).describe('Steps of linear warm-up.'),
  patchesPerStep: count(512).describe('Patches a micro-batch, drawn from all documents at random.'),
  evaluatePatches: count(4096).describe('Held-out patches a measurement, spread evenly.'),
  ...trainingFields,
});
