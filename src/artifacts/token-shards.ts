/**
 * Token shards: a corpus as token ids on disk, in two splits, read at random without loading it.
 *
 *     index.json                 format version, vocabulary, special ids, counts, shards
 *     tokenizer.json             the tokenizer that made them (Hugging Face format)
 *     train-00000.bin …          token ids, little-endian u16 (vocabulary ≤ 65,536) or u32
 *     train.documents.bin        the length of each document in tokens, u32
 *     train.prompts.bin          where documents have a prompt: the length of each one's prompt in tokens, u32
 *     validation-00000.bin …     likewise
 *     left-out.jsonl             lines of the corpus that could not be used, where there were any
 *
 * Documents end with the end-of-text token, unless they were written without; it counts to their length.
 * Documents may straddle shards.
 */

import { join } from 'node:path';
import { elementAt } from '../elements.ts';
import { artifactBroken } from '../errors.ts';
import { readIndex } from './files.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import { type RecordRange, RecordSeries } from './record-series.ts';
import { SPLITS, type Split } from './splits.ts';
import {
  documentsFile,
  LENGTH_BYTES,
  promptsFile,
  TOKEN_FORMAT_VERSION,
  TOKEN_SHARDS,
  type TokenIndex,
  tokenIndex,
  widthOf,
} from './token-index.ts';
import { TokenShardsWriter } from './token-writer.ts';

/** The artifact kind that `tokenize` makes. */
export const tokenShards = Object.freeze({
  name: TOKEN_SHARDS,
  formatVersion: TOKEN_FORMAT_VERSION,
  open: async (directory: string) => {
    const file = join(directory, 'index.json');
    const shards = new TokenShards(
      directory,
      await readIndex(file, TOKEN_SHARDS, TOKEN_FORMAT_VERSION, tokenIndex),
    );
    for (const split of SPLITS) shards.split(split).check();
    return shards;
  },
  create: async (directory: string) => new TokenShardsWriter(directory),
});

/** Reads the splits of a token-shards artifact. */
export class TokenShards implements Disposable {
  readonly directory: string;
  readonly index: TokenIndex;
  /** Of all splits, so one limit holds for the files that stay open. */
  readonly #files: ReadOnlyFiles;

  constructor(directory: string, index: TokenIndex) {
    this.directory = directory;
    this.index = index;
    this.#files = new ReadOnlyFiles(directory);
  }

  get tokenizerFile(): string {
    return join(this.directory, 'tokenizer.json');
  }

  split(name: Split): TokenStream {
    return new TokenStream(this.#files, this.index, name);
  }

  /** Closes the files of all splits. One that is read again is opened again. */
  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/**
 * One split as one long row of token ids. Reads go to the disk; nothing is kept. Its files are the
 * artifact's, which closes them.
 */
export class TokenStream {
  readonly length: number;
  readonly numDocuments: number;
  readonly textBytes: number;
  /**
   * Where documents have prompts, of which a model learns nothing: prompts and documents are multiples of so
   * many tokens long.
   */
  readonly alignedTo: number | undefined;
  readonly #vocabSize: number;
  readonly #width: number;
  readonly #ids: RecordSeries;
  readonly #lengths: RecordSeries;
  /** Undefined where no document has a prompt. */
  readonly #prompts: RecordSeries | undefined;
  readonly #files: ReadOnlyFiles;

  constructor(files: ReadOnlyFiles, index: TokenIndex, name: Split) {
    const { documents, textBytes, shards } = index.splits[name];
    this.#files = files;
    this.#vocabSize = index.vocabSize;
    this.#width = widthOf(index);
    this.#ids = new RecordSeries(
      files,
      this.#width,
      shards.map(({ file, tokens }) => ({ file, records: tokens })),
    );
    const lengthsOf = (file: string) => new RecordSeries(files, LENGTH_BYTES, [{ file, records: documents }]);
    this.#lengths = lengthsOf(documentsFile(name));
    this.#prompts = index.pairs && lengthsOf(promptsFile(name));
    this.length = this.#ids.length;
    this.numDocuments = documents;
    this.textBytes = textBytes;
    this.alignedTo = index.pairs?.alignedTo;
  }

  /** Refuses files that are missing or of another size. */
  check(): void {
    this.#ids.check();
    this.#lengths.check();
    this.#prompts?.check();
  }

  /** Token ids [start, start + count). */
  read(start: number, count: number): Int32Array {
    return Int32Array.from(this.#idsIn(this.#ids.read(start, count), start));
  }

  /**
   * Token ids of several ranges, in few reads.
   * @param take gets the number of a range and its ids, which are not kept afterwards
   */
  readEach(
    ranges: readonly RecordRange[],
    take: (range: number, ids: Uint16Array | Uint32Array) => void,
  ): void {
    this.#ids.readEach(ranges, (i, bytes) => take(i, this.#idsIn(bytes, elementAt(ranges, i).start)));
  }

  /**
   * The lengths in tokens of documents [start, start + count), end-of-text included; of all of them where
   * nothing is said. Four bytes each:
   * ask for a range where a corpus may be large.
   */
  documentLengths(start = 0, count = this.numDocuments - start): Uint32Array {
    return lengthsIn(this.#lengths.read(start, count));
  }

  /** Likewise of several ranges of documents, in few reads. */
  documentLengthsEach(
    ranges: readonly RecordRange[],
    take: (range: number, lengths: Uint32Array) => void,
  ): void {
    this.#lengths.readEach(ranges, (i, bytes) => take(i, lengthsIn(bytes)));
  }

  /** How many tokens at the beginning of each of these documents are its prompt; 0 where there is none. */
  promptLengths(start: number, count: number): Uint32Array {
    return this.#prompts ? lengthsIn(this.#prompts.read(start, count)) : new Uint32Array(count);
  }

  /** What to throw where the lengths do not add up to the tokens. */
  wrongLengths(): Error {
    return artifactBroken(
      this.#lengths.pathOf(0),
      `its lengths do not add up to the ${this.length} tokens of the split`,
    );
  }

  /** What to throw where a prompt is longer than its document. */
  wrongPrompts(): Error {
    const file = this.#prompts?.pathOf(0) ?? this.#lengths.pathOf(0);
    return artifactBroken(file, 'it has a prompt that is longer than its document');
  }

  /** Closes the files of the whole artifact. One that is read again is opened again. */
  close(): void {
    this.#files.close();
  }

  /** Bytes as ids of the vocabulary. @param start which token they begin with */
  #idsIn(bytes: Uint8Array<ArrayBuffer>, start: number): Uint16Array | Uint32Array {
    const { buffer, byteOffset, byteLength } = bytes;
    const length = byteLength / this.#width;
    const ids =
      this.#width === 2
        ? new Uint16Array(buffer, byteOffset, length)
        : new Uint32Array(buffer, byteOffset, length);
    for (let i = 0; i < length; i++)
      if ((ids[i] as number) >= this.#vocabSize)
        throw artifactBroken(
          this.#ids.pathOf(start + i),
          `it has the token ${ids[i]} of a vocabulary of ${this.#vocabSize}`,
        );
    return ids;
  }
}

function lengthsIn({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / LENGTH_BYTES);
}
