/** A corpus chunk by chunk, whatever the formats of its files, and the documents of a chunk. */

import { CalmError, corpusFileBroken, corpusFormatInvalid, messageOf } from '../errors.ts';
import type {
  BadRecord,
  ChunkDocuments,
  CorpusFile,
  FieldDocument,
  FileChunk,
  FilePlace,
} from './formats/format.ts';
import { corpusFormat, isBuiltInFormat } from './formats/registry.ts';

/** How far a reader of a corpus is. */
export interface CorpusPlace extends FilePlace {
  /** Which file of the list. */
  readonly file: number;
}

export const CORPUS_START: CorpusPlace = { file: 0, offset: 0, isInside: false };

/** A part of a corpus: its documents, or bytes of a built-in format that any thread can parse. */
export type CorpusChunk = {
  readonly begin: CorpusPlace;
  /** Where the next chunk begins. */
  readonly end: CorpusPlace;
} & (ChunkDocuments | { readonly bytes: Uint8Array<ArrayBuffer> });

/** All chunks from a place on. */
export async function* readChunks(
  files: readonly CorpusFile[],
  from: CorpusPlace = CORPUS_START,
): AsyncGenerator<CorpusChunk> {
  for (const [index, file] of files.entries()) {
    if (index < from.file) continue;
    let begin = index === from.file ? from : { ...CORPUS_START, file: index };
    for await (const { end, ...found } of chunksOf(file, begin)) {
      const chunk = { ...found, begin, end: { file: index, ...end, isInside: end.isInside ?? false } };
      yield isBuiltInFormat(file.format) ? chunk : await parsedHere(chunk, file);
      begin = chunk.end;
    }
  }
}

/**
 * The chunks of one file. What goes wrong in a format names the file; errors of the disk are for the runner
 * to tell.
 */
async function* chunksOf(file: CorpusFile, from: FilePlace): AsyncGenerator<FileChunk> {
  const { read } = corpusFormat(file.format);
  const chunks = await naming(file, async () => read(file, from)[Symbol.asyncIterator]());
  try {
    for (;;) {
      const { done, value } = await naming(file, () => chunks.next());
      if (done) return;
      yield value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function naming<T>({ path }: CorpusFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isKnown = error instanceof CalmError || (error as NodeJS.ErrnoException)?.syscall;
    throw isKnown ? error : corpusFileBroken(path, messageOf(error), error);
  }
}

/** A plugin's module is loaded on this thread alone, so its chunks are parsed here, and looked at. */
async function parsedHere(chunk: CorpusChunk, file: CorpusFile): Promise<CorpusChunk> {
  const { begin, end } = chunk;
  const found = await naming(file, () => parsed(chunk, file));
  const {
    documents,
    pairs = [],
    bad = [],
    numRecords = documents.length + pairs.length + bad.length,
  } = found;
  if (!(end.offset >= begin.offset && end.offset > 0))
    throw corpusFormatInvalid(file.format, `a chunk from ${begin.offset} ends at ${end.offset}`);
  if (!documents.every((text) => typeof text === 'string'))
    throw corpusFormatInvalid(file.format, 'it gives a document that is not a string');
  return { ...found, begin, end, bad, numRecords };
}

async function parsed(chunk: CorpusChunk, file: CorpusFile): Promise<ChunkDocuments> {
  if ('documents' in chunk) return chunk;
  const { parse } = corpusFormat(file.format);
  if (!parse || !('bytes' in chunk))
    throw corpusFormatInvalid(file.format, 'it gives bytes and has no parse(), or a chunk without documents');
  return parse(chunk.bytes, { file, begin: chunk.begin, end: chunk.end });
}

/** What is taken of a chunk. */
export interface FoundDocuments {
  /** Documents in order. The first and the last may be parts, and blank; the others have text. */
  readonly texts: readonly string[];
  /** Documents of fields, and which record of the chunk each is. */
  readonly pairs: readonly FieldDocument[];
  readonly pairRecords: readonly number[];
  readonly numEmpty: number;
  readonly bad: readonly BadRecord[];
  readonly numRecords: number;
}

/** The documents of a chunk that have text, whatever its format. */
export async function documentsOf(chunk: CorpusChunk, file: CorpusFile): Promise<FoundDocuments> {
  const found = await naming(file, () => parsed(chunk, file));
  const { documents: given, pairs = [], pairRecords = [], bad = [] } = found;
  const { numRecords = given.length + pairs.length + bad.length } = found;
  const [isOpen, staysOpen] = [chunk.begin.isInside, chunk.end.isInside];
  // A document that ends where a chunk begins has a last part all the same.
  const documents = isOpen && given.length === 0 ? [''] : given;
  const isPart = (i: number) => (i === 0 && isOpen) || (i === documents.length - 1 && staysOpen);
  const texts = documents.filter((text, i) => isPart(i) || /\S/.test(text));
  return {
    texts,
    pairs,
    pairRecords,
    numEmpty: documents.length - texts.length,
    bad: [...bad].sort((a, b) => a.number - b.number),
    numRecords,
  };
}
