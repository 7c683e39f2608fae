/** Corpora, tokenizers, patches and batches. */

export { type CorpusFile, type CorpusSource, type DocumentPiece, isJsonLines, listCorpus, readCorpus } from './corpus.ts';
export { DocumentPatches, evenlySpread, shuffledBatch } from './patches.ts';
export { PatchSequences } from './sequences.ts';
export { ByteTokenizer } from './tokenizers/byte-tokenizer.ts';
export { loadTokenizer, openTokenizer, tokenizerFileOf } from './tokenizers/hugging-face.ts';
export { END_OF_TEXT, PAD, type Tokenizer, type TokenizerJson } from './tokenizers/tokenizer.ts';
export { MIN_BPE_VOCABULARY, trainBpe, WordCounter } from './tokenizers/train-bpe.ts';
