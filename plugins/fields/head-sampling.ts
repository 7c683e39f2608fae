/** How a head is sampled from: the field of the stages that draw samples. */

import { headEntries, jsonSchemaOf } from 'calm-lm/models/config';
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
    return Object.fromEntries(
      words.flatMap((word) => {
        const [, key, value] = word ?? [];
        return key === undefined || value === undefined ? [] : [[key, typed(value)]];
      }),
    );
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

const inSampling = (option: string) => `\`headSampling: { ${option}: … }\``;

/** Options of sampling that were fields of the stages; see `withMoved`. */
export const movedToHeadSampling = {
  headSteps: inSampling('steps'),
  flowMethod: inSampling('method'),
  noiseTemperature: inSampling('noiseTemperature'),
};
