/**
 * The models' configurations and defaults alone: loads no tensor library, so command-line help can read it.
 */

import type { z } from 'zod';
import { modelConfigInvalid } from '../errors.ts';
import { backboneSchema, type CalmConfig } from './calm/config.ts';
import { STANDARD_HEAD } from './calm/heads/registry.ts';
import { readHead } from './calm/heads/saved-options.ts';
import { readRope } from './rope-parameters.ts';

export {
  AUTOENCODER_DEFAULTS,
  type AutoencoderConfig,
  autoencoderFields,
  autoencoderSchema,
} from './autoencoder/config.ts';
export {
  BACKBONE_KEYS,
  CALM_DEFAULTS,
  type CalmConfig,
  calmFields,
  calmSchema,
  INPUT_MODES,
  savedConfig,
} from './calm/config.ts';
export { type ChosenHead, jsonSchemaOf } from './calm/heads/choice.ts';
export type { HeadDescription, HeadEntry } from './calm/heads/head.ts';
export { headEntries, headEntry, headNames, loadHead } from './calm/heads/registry.ts';
export { type HeadSampling, samplingOptions } from './calm/heads/sampling.ts';
export { registerHead } from './calm/register-head.ts';
export { checkLlama, LARGEST_SIZE, layers, MOST_LAYERS, size } from './fields.ts';
export {
  TRANSFORMER_DEFAULTS,
  type TransformerConfig,
  transformerFields,
  transformerSchema,
} from './transformer/config.ts';
export type { DrawnList, ValueLabel, ValueLabels, ValueReference } from './value-labels.ts';

/**
 * What a configuration file says of a model, over defaults; keys that the schema does not have are passed
 * over. Values of another kind, or of
 * sizes that no model has, are errors.
 */
export function checkedConfig<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const { ropeTheta } = readRope(file, given);
  const stated: Record<string, unknown> = { ...given, ...(ropeTheta === undefined ? {} : { ropeTheta }) };
  // As Hugging Face writes "as many as attention heads".
  if (stated.numKeyValueHeads === null) delete stated.numKeyValueHeads;
  const result = schema.safeParse(stated);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
  const key = String(path[0]);
  throw modelConfigInvalid(file, key, stated[key], message);
}

/** The configuration of a CALM as its config.json has it, which names its head. */
export function readCalmConfig(file: string, given: Readonly<Record<string, unknown>>): CalmConfig {
  const backbone = checkedConfig(file, backboneSchema, given);
  const { modelType: head = STANDARD_HEAD } = given;
  if (typeof head !== 'string')
    throw modelConfigInvalid(file, 'modelType', head, 'must be the name of a head');
  return { ...backbone, head: readHead(file, head, given) };
}
