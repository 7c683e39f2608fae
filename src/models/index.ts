/** Parameters and forward passes. */

export * from './autoencoder/autoencoder.ts';
export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CorpusEncoder, DistinctPatchEncoder } from './autoencoder/corpus-encoder.ts';
export { encodeByTables, encoderTables } from './autoencoder/encoder-tables.ts';
export { type BackboneOutput, embedPatches, extendCache, type KeyValueCache, type PastPatches, runBackbone } from './calm/backbone.ts';
export * from './calm/calm.ts';
export { CALM_DEFAULTS, type CalmConfig, NUM_TARGET_SAMPLES } from './calm/config.ts';
export { DrawnPatches, PatchDecoder } from './calm/decoding.ts';
export { sampleEnergyHead } from './calm/heads/energy.ts';
export {
  AUTOENCODER_PREFIX,
  type Autoencoder,
  checkFits,
  disposeLanguageModel,
  type LanguageModel,
  loadAutoencoder,
  loadLanguageModel,
} from './language-model.ts';
export { countParameters, initParameters, isDecayed, loadParameters, type ParameterTable, storeParameters } from './parameters.ts';
