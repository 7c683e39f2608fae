/** What is known of a language model before the stage that takes it runs. */

import type { InputFacts } from 'calm-lm/plugin';

/** Whether it is a Transformer; undefined where that is not known yet. Heads are a CALM's alone. */
export function isTransformerAhead(model: InputFacts | undefined): boolean | undefined {
  if (model === undefined) return undefined;
  if (model.config.model === 'transformer') return true;
  return model.config.head !== undefined || model.metrics?.head !== undefined ? false : undefined;
}
