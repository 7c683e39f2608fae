/** The models' configurations and defaults alone: loads no tensor library, so command-line help can read it. */

import { configUnsupported } from '../errors.ts';
import { INPUT_MODES } from './calm/config.ts';
import { readRope } from './rope-parameters.ts';
import type { TransformerConfig } from './transformer/config.ts';

export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CALM_DEFAULTS, type CalmConfig, INPUT_MODES, NUM_TARGET_SAMPLES } from './calm/config.ts';
export { type HeadEntry, headNames, loadHead, registerHead } from './calm/heads/registry.ts';
export { FLOW_METHODS, type HeadSampling } from './calm/heads/sampling.ts';
export { TRANSFORMER_DEFAULTS, type TransformerConfig } from './transformer/config.ts';

/** More would be no model that can be held, and would be asked for before anything is checked. Stages that train have the same limits. */
export const [LARGEST_SIZE, MOST_LAYERS] = [2 ** 24, 2048];
/** Fields of a model that may be 0: an autoencoder needs no layers to squeeze a patch. */
const MAY_BE_ZERO: readonly string[] = ['numEncoderLayers', 'numDecoderLayers'];
const MUST_BE_POSITIVE: readonly string[] = ['ropeTheta', 'beta'];

/**
 * What a configuration file says of a model, over defaults; keys that the defaults do not have are passed over. Values of another kind, or of sizes that no model has,
 * are errors.
 */
export function checkedConfig<Config extends object>(
  file: string,
  defaults: Config,
  given: Record<string, unknown>,
): Config {
  const { ropeTheta } = readRope(file, given);
  const stated: Record<string, unknown> = { ...given, ...(ropeTheta === undefined ? {} : { ropeTheta }) };
  for (const [key, standard] of Object.entries(defaults)) {
    const problem = Object.hasOwn(stated, key) ? problemOfValue(key, stated[key], standard) : undefined;
    if (problem) throw configUnsupported(file, key, stated[key], problem);
  }
  const config = configure(defaults, stated);
  const {
    hiddenSize,
    numAttentionHeads: heads,
    numKeyValueHeads: groups = heads,
    vocabSize,
    padTokenId,
  } = config as Partial<TransformerConfig>;
  if (heads && hiddenSize && hiddenSize % (2 * heads) !== 0)
    throw configUnsupported(file, 'hiddenSize', hiddenSize, `a multiple of ${2 * heads}`);
  if (heads && groups && heads % groups !== 0)
    throw configUnsupported(file, 'numKeyValueHeads', groups, `a divisor of ${heads}`);
  if (vocabSize && padTokenId != null && padTokenId >= vocabSize)
    throw configUnsupported(file, 'padTokenId', padTokenId, `a number below ${vocabSize}`);
  return config;
}

/** What a value should have been; undefined where it will do. */
function problemOfValue(key: string, value: unknown, standard: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (standard === null)
    return value === null || (typeof value === 'number' && value >= 0) ? undefined : 'a number or null';
  if (typeof value !== typeof standard) return `a ${typeof standard}`;
  if (key === 'inputMode')
    return INPUT_MODES.includes(value as (typeof INPUT_MODES)[number]) ? undefined : INPUT_MODES.join(' or ');
  if (key === 'variant') return value === 'robust' || value === 'plain' ? undefined : 'robust or plain';
  if (typeof value !== 'number') return undefined;
  const largest = key.endsWith('Layers') ? MOST_LAYERS : LARGEST_SIZE;
  const least = MAY_BE_ZERO.includes(key) ? 0 : 1;
  if (/Size$|^num/.test(key))
    return Number.isInteger(value) && value >= least && value <= largest
      ? undefined
      : `a whole number from ${least} to ${largest}`;
  if (MUST_BE_POSITIVE.includes(key))
    return Number.isFinite(value) && value > 0 ? undefined : 'a number above 0';
  return Number.isFinite(value) && value >= 0 ? undefined : 'a number';
}

/** A model's configuration from its defaults and whatever else has fields of the same names. */
export function configure<Config extends object>(defaults: Config, ...given: object[]): Config {
  const known = (fields: object) =>
    Object.entries(fields).filter(([key, value]) => key in defaults && value !== undefined);
  return Object.assign({}, defaults, ...given.map((fields) => Object.fromEntries(known(fields))));
}
