/** Bytes on disk ↔ typed arrays. Knows no tensor library. */

export { type Checkpoint, type CheckpointChoice, CheckpointStore, ProgressFile } from './checkpoints.ts';
export {
  hashFile,
  linkFile,
  makeFolder,
  readIndex,
  readJson,
  readJsonAs,
  readText,
  syncDirectory,
  syncFile,
  writeFileWhole,
  writeJson,
} from './files.ts';
export { GrowingFile } from './growing-files.ts';
export { jsonReport } from './json-report.ts';
export { camelCaseKeys, snakeCaseKeys } from './key-case.ts';
export {
  asStored,
  type LatentPrecision,
  LatentShards,
  LatentShardsWriter,
  type LatentWriterState,
  latentShards,
  PATCHES_PER_SHARD,
  recordBytes,
} from './latent-shards.ts';
export type { Latents } from './latents.ts';
export {
  autoencoderBeside,
  autoencoderFolder,
  LLAMA_TENSOR,
  languageModelFolder,
  ModelFolder,
  modelFolder,
} from './model-folder.ts';
export {
  readSafetensors,
  SafetensorsFile,
  type StoredTensor,
  type StoredTensors,
  writeSafetensors,
} from './safetensors.ts';
export { type BySplit, bySplit, SPLITS, type Split } from './splits.ts';
export type { TokenIndex, TokenVocabulary } from './token-index.ts';
export { TokenShards, TokenStream, tokenShards } from './token-shards.ts';
export { type LeftOutLine, TokenShardsWriter, type TokenWriterState } from './token-writer.ts';
export { linkWeights, openWeights, type Weights, weightFiles } from './weights.ts';
