/**
 * What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of
 * parameters bring the tensor library.
 */

import { calmCost, calmTable, loadHead, transformerCost, transformerTable } from 'calm-lm/models';
import { autoencoderSchema, calmSchema, transformerSchema } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import { loadOptimizer, optimizerCost } from 'calm-lm/training';
import type { CalmFields, Config, TransformerFields } from './config.ts';

type Inputs = Readonly<Record<string, Estimate>>;

export function estimate(config: Config, inputs: Inputs): Promise<Estimate> {
  return config.model === 'transformer' ? ofTransformer(config, inputs) : ofCalm(config, inputs);
}

async function ofCalm(config: CalmFields, { tokens, autoencoder }: Inputs): Promise<Estimate> {
  const model = calmSchema.parse({
    ...config,
    patchSize: autoencoder?.facts.patchSize,
    latentSize: autoencoder?.facts.latentSize,
    vocabSize: tokens?.facts.vocabSize,
  });
  const frozen = autoencoderSchema.parse(autoencoder?.facts);
  const head = await loadHead(config.head.name);
  const tokensPerStep =
    config.accumulationSteps * config.sequencesPerStep * config.patchesPerSequence * model.patchSize;
  return {
    facts: { vocabSize: model.vocabSize, patchSize: model.patchSize },
    parts: [
      ...calmCost(model, head, frozen, config.patchesPerSequence),
      ...optimizerCost(await loadOptimizer(config.optimizer), calmTable(model, head), tokensPerStep),
    ],
    trainingTokens: config.steps * tokensPerStep,
    step: { tokens: tokensPerStep, parts: config.accumulationSteps * config.sequencesPerStep },
  };
}

async function ofTransformer(config: TransformerFields, { tokens }: Inputs): Promise<Estimate> {
  const model = transformerSchema.parse({ ...config, vocabSize: tokens?.facts.vocabSize });
  const tokensPerStep = config.accumulationSteps * config.sequencesPerStep * config.tokensPerSequence;
  return {
    facts: { vocabSize: model.vocabSize },
    parts: [
      ...transformerCost(model, config.tokensPerSequence),
      ...optimizerCost(await loadOptimizer(config.optimizer), transformerTable(model), tokensPerStep),
    ],
    trainingTokens: config.steps * tokensPerStep,
    step: { tokens: tokensPerStep, parts: config.accumulationSteps * config.sequencesPerStep },
  };
}
