/** Bytes on disk ↔ typed arrays. Knows no tensor library. */

export { type Checkpoint, CheckpointStore } from './checkpoints.ts';
export { linkFile, readJson, syncDirectory, writeFileWhole, writeJson } from './files.ts';
export { jsonReport } from './json-report.ts';
export { type LatentPrecision, LatentShards, LatentShardsWriter, type Latents, latentShards } from './latent-shards.ts';
export { autoencoderFolder, camelCaseKeys, languageModelFolder, ModelFolder, modelFolder, snakeCaseKeys, transformerFolder } from './model-folder.ts';
export { readSafetensors, SafetensorsFile, type StoredTensor, type StoredTensors, writeSafetensors } from './safetensors.ts';
export { SPLITS, type Split, type TokenIndex, TokenShards, TokenShardsWriter, TokenStream, type TokenVocabulary, tokenShards } from './token-shards.ts';
export { linkWeights, openWeights, type Weights } from './weights.ts';
