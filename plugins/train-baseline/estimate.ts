/** What the stage is going to make and what it costs, for `calm cost`. Loaded when it is asked for: tables of parameters bring the tensor library. */

import { transformerCost } from 'calm-lm/models';
import { transformerSchema } from 'calm-lm/models/config';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config as schema } from './config.ts';

export async function estimate(
  config: z.infer<typeof schema>,
  { tokens }: Readonly<Record<string, Estimate>>,
): Promise<Estimate> {
  const model = transformerSchema.parse({ ...config, vocabSize: tokens.facts.vocabSize });
  return {
    facts: { vocabSize: model.vocabSize },
    parts: transformerCost(model, config.tokensPerSequence),
    trainingTokens:
      config.steps * config.accumulationSteps * config.sequencesPerStep * config.tokensPerSequence,
  };
}
