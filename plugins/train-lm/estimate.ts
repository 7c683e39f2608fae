/** What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of parameters bring the tensor library. */

import { calmCost, loadHead } from 'calm-lm/models';
import { AUTOENCODER_DEFAULTS, CALM_DEFAULTS, configure } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config as schema } from './config.ts';

export async function estimate(
  config: z.infer<typeof schema>,
  { tokens, autoencoder }: Readonly<Record<string, Estimate>>,
): Promise<Estimate> {
  const { patchSize, latentSize } = autoencoder.facts;
  const numKeyValueHeads = config.numKeyValueHeads ?? config.numAttentionHeads;
  const model = configure(CALM_DEFAULTS, config, {
    modelType: config.head,
    numKeyValueHeads,
    vocabSize: tokens.facts.vocabSize,
    patchSize,
    latentSize,
  });
  const frozen = configure(AUTOENCODER_DEFAULTS, autoencoder.facts);
  return {
    facts: { vocabSize: model.vocabSize, patchSize },
    parts: calmCost(model, await loadHead(config.head), frozen, config.patchesPerSequence),
    trainingTokens:
      config.steps *
      config.accumulationSteps *
      config.sequencesPerStep *
      config.patchesPerSequence *
      patchSize,
  };
}
