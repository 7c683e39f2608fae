/**
 * What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of
 * parameters bring the tensor library.
 */

import { autoencoderTrainingCost } from 'calm-lm/models';
import { autoencoderSchema } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config as schema } from './config.ts';

export async function estimate(
  config: z.infer<typeof schema>,
  { tokens }: Readonly<Record<string, Estimate>>,
): Promise<Estimate> {
  const model = autoencoderSchema.parse({ ...config, vocabSize: tokens.facts.vocabSize });
  const {
    vocabSize,
    hiddenSize,
    intermediateSize,
    numEncoderLayers,
    numDecoderLayers,
    latentSize,
    patchSize,
  } = model;
  return {
    facts: {
      vocabSize,
      hiddenSize,
      intermediateSize,
      numEncoderLayers,
      numDecoderLayers,
      latentSize,
      patchSize,
    },
    parts: autoencoderTrainingCost(model),
    trainingTokens: config.steps * config.accumulationSteps * config.patchesPerStep * patchSize,
  };
}
