/** Parameters and forward passes. */

export * from './autoencoder/autoencoder.ts';
export { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
export { CorpusEncoder, DistinctPatchEncoder } from './autoencoder/corpus-encoder.ts';
export { encodeByTables, encoderTables } from './autoencoder/encoder-tables.ts';
export { PatchCodec } from './autoencoder/patch-codec.ts';
export { type Branch, CachedSequence, type SequenceState } from './cached-sequence.ts';
export { embedPatches, readsLatents, runBackbone } from './calm/backbone.ts';
export * from './calm/calm.ts';
export { CALM_DEFAULTS, type CalmConfig, savedConfig } from './calm/config.ts';
export { DrawnPatches, PatchDecoder } from './calm/decoding.ts';
export { runAdaLn, timeFeatures } from './calm/heads/adaln-network.ts';
export type { ChosenHead } from './calm/heads/choice.ts';
export {
  diffusionHead,
  diffusionTerms,
  samplingSchedule,
  stepBack,
  stepNumbers,
} from './calm/heads/diffusion.ts';
export type { DiffusionOptions, DiffusionSampling } from './calm/heads/diffusion-description.ts';
export { energyHead, energyTerms, NUM_HELD_OUT_TARGETS, sampleEnergyHead } from './calm/heads/energy.ts';
export type { EnergyOptions } from './calm/heads/energy-description.ts';
export { flowErrors, flowHead, middleOf, networkTime } from './calm/heads/flow.ts';
export type { FlowOptions, FlowSampling } from './calm/heads/flow-description.ts';
export type {
  AnyHead,
  Head,
  HeadConfig,
  HeadEntry,
  HeadFlops,
  HeadSampler,
  Streams,
} from './calm/heads/head.ts';
export { headEntry, headNames, loadHead } from './calm/heads/registry.ts';
export { type HeadSampling, samplingOptions } from './calm/heads/sampling.ts';
export { readHead } from './calm/heads/saved-options.ts';
export { registerHead } from './calm/register-head.ts';
export { autoencoderTrainingCost, type CostPart, calmCost, transformerCost } from './cost.ts';
export { AUTOENCODER_FOLDER, AUTOENCODER_PREFIX, checkFits } from './frozen-autoencoder.ts';
export { checkAutoencoderFolder, checkCalmFolder, checkTransformerFolder } from './imported.ts';
export { configsOf, disposeLanguageModel, loadAutoencoder, loadLanguageModel } from './language-model.ts';
export { type KeyValueCache, type LlamaOutput, padCache, placesAfter, putInto } from './llama.ts';
export { isTransformer, readingWeights } from './model-weights.ts';
export type { Autoencoder, LanguageModel } from './of-weights.ts';
export { openPatchModel } from './open-model.ts';
export {
  countMatrices,
  countParameters,
  initParameters,
  isDecayed,
  linearSpec,
  loadParameters,
  normSpec,
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
  TextSource,
} from './patch-model.ts';
export {
  MOST_ROWS,
  type NextPatch,
  roundedRows,
  type SequenceRow,
  SideBySide,
} from './side-by-side.ts';
export { type Start, startAutoencoder, startCalm, startTransformer } from './start.ts';
export { TRANSFORMER_DEFAULTS, type TransformerConfig } from './transformer/config.ts';
export { inverseCdf, TransformerDecoder } from './transformer/decoding.ts';
export { loadTransformer } from './transformer/load.ts';
export * from './transformer/transformer.ts';
