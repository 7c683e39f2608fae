/** Parameters and forward passes. */

export * from './autoencoder/autoencoder.ts';
export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CorpusEncoder, DistinctPatchEncoder } from './autoencoder/corpus-encoder.ts';
export { encodeByTables, encoderTables } from './autoencoder/encoder-tables.ts';
export { type Branch, CachedSequence, type SequenceState } from './cached-sequence.ts';
export { embedPatches, readsLatents, runBackbone } from './calm/backbone.ts';
export * from './calm/calm.ts';
export { CALM_DEFAULTS, type CalmConfig, NUM_TARGET_SAMPLES } from './calm/config.ts';
export { DrawnPatches, PatchDecoder } from './calm/decoding.ts';
export { runAdaLn, timeFeatures } from './calm/heads/adaln-network.ts';
export {
  diffusionHead,
  diffusionTerms,
  samplingSchedule,
  stepBack,
  stepNumbers,
} from './calm/heads/diffusion.ts';
export { energyHead, energyTerms, sampleEnergyHead } from './calm/heads/energy.ts';
export { flowErrors, flowHead, networkTime } from './calm/heads/flow.ts';
export type { Head, HeadSampler, Streams } from './calm/heads/head.ts';
export { type HeadEntry, headNames, loadHead, registerHead } from './calm/heads/registry.ts';
export type { HeadSampling } from './calm/heads/sampling.ts';
export { autoencoderTrainingCost, type CostPart, calmCost, transformerCost } from './cost.ts';
export { checkAutoencoderFolder, checkCalmFolder, checkTransformerFolder } from './imported.ts';
export {
  type Autoencoder,
  disposeLanguageModel,
  type LanguageModel,
  loadAutoencoder,
  loadLanguageModel,
} from './language-model.ts';
export { extendCache, type KeyValueCache, type LlamaOutput } from './llama.ts';
export { AUTOENCODER_FOLDER, AUTOENCODER_PREFIX, checkFits, isTransformer } from './model-weights.ts';
export { openPatchModel } from './open-model.ts';
export {
  countParameters,
  initParameters,
  isDecayed,
  loadParameters,
  otherNameOf,
  type ParameterTable,
  storeParameters,
} from './parameters.ts';
export type {
  LatentDraws,
  Likelihood,
  PatchDraws,
  PatchModel,
  PatchModelConfig,
  PatchSequence,
  Pause,
} from './patch-model.ts';
export { TRANSFORMER_DEFAULTS, type TransformerConfig } from './transformer/config.ts';
export { inverseCdf, TransformerDecoder } from './transformer/decoding.ts';
export { loadTransformer } from './transformer/load.ts';
export * from './transformer/transformer.ts';
