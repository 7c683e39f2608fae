/** The head that a configuration chooses: its name alone, or with options of its own. */

import { z } from 'zod';
import { headOptionProblem, headProblem } from '../../../errors.ts';
import type { HeadDescription } from './head.ts';
import { headEntries, headNames, STANDARD_HEAD } from './registry.ts';

/** A head by its name, with all of its options. */
export interface ChosenHead {
  readonly name: string;
  readonly [option: string]: unknown;
}

const DESCRIPTION =
  'The generative head: energy, diffusion, flow, or one that a plugin registers. Its name, or a map of ' +
  'its name and its options.';

/**
 * `head: flow` or `head: { name: flow, numMlpLayers: 2 }`, with the options' defaults filled in. The heads
 * are looked up when a value
 * is checked, because plugins may add some until then.
 */
export const headField = z
  .union([z.string(), z.looseObject({ name: z.string().optional() })], {
    error: 'must be the name of a head, or a map with its name and options',
  })
  .transform((given, context): ChosenHead => {
    const { name = STANDARD_HEAD, ...options } = typeof given === 'string' ? { name: given } : given;
    const entry = headEntries().find((candidate) => candidate.name === name);
    if (!entry) {
      const path = typeof given === 'string' ? [] : ['name'];
      context.addIssue({ code: 'custom', message: headProblem(name, headNames()) ?? '', path });
      return z.NEVER;
    }
    const result = optionsOf(entry, 'options', options);
    if (result.success) return { name, ...result.options };
    context.addIssue({ code: 'custom', message: result.message, path: [...result.path] });
    return z.NEVER;
  })
  .prefault(STANDARD_HEAD)
  .meta({
    description: DESCRIPTION,
    get anyOf() {
      const maps = headEntries().map((entry) =>
        jsonSchemaOf(entry, 'options', { name: { const: entry.name } }),
      );
      return [{ type: 'string' }, ...maps];
    },
  });

/** JSON Schema of a head's options of one kind, for editors and tables. @param more properties beside them */
export function jsonSchemaOf(
  { name: title, ...schemas }: HeadDescription,
  kind: 'options' | 'sampling',
  more: Readonly<Record<string, object>> = {},
): Record<string, unknown> {
  // Of the zod that the head was made with, which may be another than ours.
  const { properties } = schemas[kind]['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  const required = title === STANDARD_HEAD ? [] : Object.keys(more);
  const all = { ...more, ...(properties as object | undefined) };
  return { title, type: 'object', properties: all, required, additionalProperties: false };
}

type OptionsResult =
  | { readonly success: true; readonly options: Record<string, unknown> }
  | { readonly success: false; readonly message: string; readonly path: readonly PropertyKey[] };

/** Checks what is given of a head's options of one kind, and fills in the others. */
export function optionsOf(
  { name, ...schemas }: HeadDescription,
  kind: 'options' | 'sampling',
  given: Readonly<Record<string, unknown>>,
): OptionsResult {
  const known = Object.keys(schemas[kind].shape);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    return { success: false, message: headOptionProblem(name, kind, unknown, known), path: [unknown] };
  const result = schemas[kind].safeParse(given);
  if (result.success) return { success: true, options: result.data };
  const [{ message, path }] = result.error.issues as [z.core.$ZodIssue];
  return { success: false, message, path };
}
