/** The models' configurations and defaults alone: loads no tensor library, so command-line help can read it. */

export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CALM_DEFAULTS, type CalmConfig, NUM_TARGET_SAMPLES } from './calm/config.ts';
