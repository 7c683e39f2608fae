/** What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of parameters bring the tensor library. */

import { calmCost, loadHead } from 'calm-lm/models';
import { autoencoderSchema, calmSchema } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config as schema } from './config.ts';

export async function estimate(
  config: z.infer<typeof schema>,
  { tokens, autoencoder }: Readonly<Record<string, Estimate>>,
): Promise<Estimate> {
  const { patchSize, latentSize } = autoencoder.facts;
  const { vocabSize } = tokens.facts;
  const model = calmSchema.parse({ ...config, vocabSize, patchSize, latentSize });
  const frozen = autoencoderSchema.parse(autoencoder.facts);
  return {
    facts: { vocabSize: model.vocabSize, patchSize },
    parts: calmCost(model, await loadHead(config.head.name), frozen, config.patchesPerSequence),
    trainingTokens:
      config.steps *
      config.accumulationSteps *
      config.sequencesPerStep *
      config.patchesPerSequence *
      patchSize,
  };
}
