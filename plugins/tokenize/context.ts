import type { tokenShards } from 'calm-lm/artifacts';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

export type Context = StageContext<
  z.infer<typeof config>,
  Record<never, never>,
  { tokens: typeof tokenShards }
>;
