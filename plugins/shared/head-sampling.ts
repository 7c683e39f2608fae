/** How a head is sampled from: the field of the stages that draw samples, and its check. */

import { type HeadSampling, headEntries, jsonSchemaOf, samplingOptions } from 'calm-lm/models/config';
import type { InputFacts } from 'calm-lm/plugin';
import { z } from 'zod';

const WANTED = 'must be a map of options, or a text like steps=4,method=euler';

/** Which options there are depends on the model's head, which is known when the model is. */
export const headSamplingField = z
  .union([z.string(), z.record(z.string(), z.unknown())], { error: WANTED })
  .transform((given, context): Record<string, unknown> => {
    if (typeof given !== 'string') return given;
    const pairs = given.split(',').filter((pair) => pair.trim() !== '');
    const words = pairs.map((pair) => /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(pair));
    if (words.includes(null)) context.addIssue({ code: 'custom', message: WANTED });
    return Object.fromEntries(words.flatMap((word) => (word ? [[word[1], typed(word[2])]] : [])));
  })
  .optional()
  .meta({
    description:
      'How the head is sampled from: options of the head, as a map or as text (`steps=4,method=euler`); ' +
      'its defaults where absent.',
    get anyOf() {
      return [{ type: 'string' }, ...headEntries().map((entry) => jsonSchemaOf(entry, 'sampling'))];
    },
  });

function typed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text === '' || Number.isNaN(Number(text)) ? text : Number(text);
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

const inSampling = (option: string) => `\`headSampling: { ${option}: … }\``;

/** Options of sampling that were fields of the stages. */
export const MOVED = {
  headSteps: inSampling('steps'),
  flowMethod: inSampling('method'),
  noiseTemperature: inSampling('noiseTemperature'),
};
