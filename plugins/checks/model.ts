/** What is known of a language model before the stage that takes it runs. */

import { type HeadSampling, samplingOptions } from 'calm-lm/models/config';
import type { InputFacts } from 'calm-lm/plugin';

/** Whether it is a Transformer; undefined where that is not known yet. Heads are a CALM's alone. */
export function isTransformerAhead(model: InputFacts | undefined): boolean | undefined {
  if (model === undefined) return undefined;
  if (model.config.model === 'transformer') return true;
  return model.config.head !== undefined || model.metrics?.head !== undefined ? false : undefined;
}

/**
 * Refuses options that the head of the model does not have, as far as the head is known before the stage
 * runs.
 */
export function checkHeadSampling(given: HeadSampling | undefined, model: InputFacts | undefined): void {
  const chosen = model?.config.head as { readonly name?: unknown } | undefined;
  const name = chosen?.name ?? model?.metrics?.head;
  if (typeof name === 'string') samplingOptions(name, given);
}
