/** The models' configurations and defaults alone: loads no tensor library, so command-line help can read it. */

export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CALM_DEFAULTS, type CalmConfig, INPUT_MODES, NUM_TARGET_SAMPLES } from './calm/config.ts';
export { type HeadEntry, headNames, loadHead, registerHead } from './calm/heads/registry.ts';
export { FLOW_METHODS, type HeadSampling } from './calm/heads/sampling.ts';
export { TRANSFORMER_DEFAULTS, type TransformerConfig } from './transformer/config.ts';

/** A model's configuration from its defaults and whatever else has fields of the same names. */
export function configure<Config extends object>(defaults: Config, ...given: object[]): Config {
  const known = (fields: object) => Object.entries(fields).filter(([key, value]) => key in defaults && value !== undefined);
  return Object.assign({}, defaults, ...given.map((fields) => Object.fromEntries(known(fields))));
}
