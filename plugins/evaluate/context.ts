import type { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { evaluation } from '../shared/evaluations.ts';
import type { config } from './config.ts';

type Inputs = {
  tokens: typeof tokenShards;
  autoencoder: OptionalPort<typeof autoencoderFolder>;
  model: OptionalPort<typeof languageModelFolder>;
};

/** What the stage is given. */
export type Context = StageContext<z.infer<typeof config>, Inputs, { evaluation: typeof evaluation }>;
