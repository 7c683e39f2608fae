/** Corpora, tokenizers, patches and batches. */

export { alignPrompt } from './align-prompt.ts';
export { type CorpusSource, corpusRole, isOneDocument, listCorpus } from './corpus.ts';
export { CORPUS_START, type CorpusPlace } from './corpus-chunks.ts';
export { CorpusWorkers, type Read } from './corpus-workers.ts';
export { type DocumentPlace, DocumentPlaces } from './documents.ts';
export type { CountedChunk, EncodedChunk, PairTokens } from './encode-chunk.ts';
export { FileBytes } from './formats/file-bytes.ts';
export type {
  BadRecord,
  ChunkDocuments,
  ChunkSpan,
  CorpusFile,
  CorpusFormat,
  FileChunk,
  FileHead,
  FilePlace,
  FormatProblem,
} from './formats/format.ts';
export { corpusFormat, corpusFormats, registerCorpusFormat } from './formats/registry.ts';
export { DocumentPatches, evenlySpread, shuffledBatch } from './patches.ts';
export { DocumentSequences, PatchSequences, type Sequences, sequencesOf } from './sequences.ts';
export { splitOf } from './split-of.ts';
export { countTexts, type TextCount } from './survey/count-texts.ts';
export { type FoundTexts, findTexts, type UnreadFile } from './survey/find-texts.ts';
export { sourcesFor } from './survey/sources-for.ts';
export { textFieldOf } from './survey/text-field.ts';
export { ByteTokenizer } from './tokenizers/byte-tokenizer.ts';
export { type ChatMessage, chatIds, renderChat } from './tokenizers/chat.ts';
export {
  loadTokenizer,
  openSerialised,
  openTokenizer,
  type SerialisedTokenizer,
  type TokenizerOptions,
  tokenizerFileOf,
  tokenizerFilesOf,
} from './tokenizers/hugging-face.ts';
export {
  documentIds,
  END_OF_TEXT,
  PAD,
  promptIds,
  type Tokenizer,
  type TokenizerJson,
} from './tokenizers/tokenizer.ts';
export { MIN_BPE_VOCABULARY, trainBpe, WordCounter } from './tokenizers/train-bpe.ts';
