/**
 * What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of
 * parameters bring the tensor library.
 */

import { autoencoderTable, autoencoderTrainingCost } from 'calm-lm/models';
import { autoencoderSchema } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import { loadOptimizer, optimizerCost } from 'calm-lm/training';
import type { z } from 'zod';
import type { config as schema } from './config.ts';

export async function estimate(
  config: z.infer<typeof schema>,
  { tokens }: Readonly<Record<string, Estimate>>,
): Promise<Estimate> {
  const model = autoencoderSchema.parse({ ...config, vocabSize: tokens?.facts.vocabSize });
  const tokensPerStep = config.accumulationSteps * config.patchesPerStep * model.patchSize;
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
    parts: [
      ...autoencoderTrainingCost(model),
      ...optimizerCost(await loadOptimizer(config.optimizer), autoencoderTable(model), tokensPerStep),
    ],
    trainingTokens: config.steps * tokensPerStep,
    step: { tokens: tokensPerStep, parts: config.accumulationSteps * config.patchesPerStep },
  };
}
