/** Each model's training is a file of its own; all that they share is the trainer. */

import { type CalmContext, trainCalm } from './calm.ts';
import type { Context } from './context.ts';
import { type TransformerContext, trainTransformer } from './transformer.ts';

export async function run(context: Context): Promise<void> {
  if (context.config.model === 'transformer') await trainTransformer(context as TransformerContext);
  else await trainCalm(context as CalmContext);
}
