/**
 * Token shards: a corpus as token ids on disk, in two splits, read at random without loading it.
 *
 *     index.json                 format version, vocabulary, special ids, counts, shards
 *     tokenizer.json             the tokenizer that made them (Hugging Face format)
 *     train-00000.bin …          token ids, little-endian u16 (vocabulary ≤ 65,536) or u32
 *     train.documents.bin        the length of each document in tokens, u32
 *     validation-00000.bin …     likewise
 *     left-out.jsonl             lines of the corpus that could not be used, where there were any
 *
 * Documents end with the end-of-text token, unless they were written without; it counts to their length. Documents may straddle shards.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { artifactBroken } from '../errors.ts';
import { readIndex, writeFileWhole, writeJson } from './files.ts';
import { GrowingFile, ShardSeries } from './growing-files.ts';
import { checkedSize, ReadOnlyFiles } from './read-only-files.ts';

export const SPLITS = ['train', 'validation'] as const;
export type Split = (typeof SPLITS)[number];

const count = z.int().nonnegative();
const shard = z.object({
  file: z.string().regex(/^[a-z]+-\d+\.bin$/, 'must be the name of a shard beside the index'),
  tokens: count,
});
const splitIndex = z
  .object({ tokens: count, documents: count, textBytes: count, shards: z.array(shard) })
  .refine(
    ({ tokens, shards }) => shards.reduce((sum, { tokens: own }) => sum + own, 0) === tokens,
    'its shards must have its tokens',
  );
const tokenIndex = z
  .object({
    formatVersion: z.number(),
    vocabSize: z
      .int()
      .positive()
      .max(2 ** 31),
    endOfTextId: count,
    padId: count,
    dtype: z.enum(['u16', 'u32']),
    splits: z.object({ train: splitIndex, validation: splitIndex }),
  })
  .refine(
    ({ vocabSize, endOfTextId, padId }) => Math.max(endOfTextId, padId) < vocabSize,
    'special ids must lie in the vocabulary',
  );

export type TokenIndex = Readonly<z.infer<typeof tokenIndex>>;
type Shard = TokenIndex['splits'][Split]['shards'][number];

/** What a reader must know of the tokenizer, besides the ids. */
export interface TokenVocabulary {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
}

const KIND = 'token-shards';
const FORMAT_VERSION = 1;
const TOKENS_PER_SHARD = 2 ** 26;
const LENGTH_BYTES = 4;

/** The artifact kind that `tokenize` makes. */
export const tokenShards = Object.freeze({
  name: KIND,
  formatVersion: FORMAT_VERSION,
  open: async (directory: string) => {
    const index = await readIndex(join(directory, 'index.json'), KIND, FORMAT_VERSION, tokenIndex);
    for (const name of SPLITS) {
      const { documents, shards } = index.splits[name];
      for (const { file, tokens } of shards) checkedSize(join(directory, file), tokens * widthOf(index));
      checkedSize(join(directory, documentsFile(name)), documents * LENGTH_BYTES);
    }
    return new TokenShards(directory, index);
  },
  create: async (directory: string) => new TokenShardsWriter(directory),
});

const widthOf = ({ dtype }: Pick<TokenIndex, 'dtype'>) => (dtype === 'u16' ? 2 : 4);
const documentsFile = (split: Split) => `${split}.documents.bin`;

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

/** One split as one long row of token ids. Reads go to the disk; nothing is kept. Its files are the artifact's, which closes them. */
export class TokenStream {
  readonly length: number;
  readonly numDocuments: number;
  readonly textBytes: number;
  readonly #documentsFile: string;
  readonly #width: number;
  readonly #vocabSize: number;
  readonly #shards: readonly (Shard & { start: number })[];
  readonly #files: ReadOnlyFiles;

  constructor(files: ReadOnlyFiles, index: TokenIndex, name: Split) {
    const split = index.splits[name];
    this.#files = files;
    this.#documentsFile = documentsFile(name);
    this.#width = widthOf(index);
    this.#vocabSize = index.vocabSize;
    let start = 0;
    this.#shards = split.shards.map((shard) => ({ ...shard, start: (start += shard.tokens) - shard.tokens }));
    this.length = split.tokens;
    this.numDocuments = split.documents;
    this.textBytes = split.textBytes;
  }

  /** Token ids [start, start + count). */
  read(start: number, count: number): Int32Array {
    const out = new Int32Array(count);
    for (const shard of this.#shards) {
      const from = Math.max(start, shard.start);
      const to = Math.min(start + count, shard.start + shard.tokens);
      if (from < to) out.set(this.#readShard(shard, from - shard.start, to - from), from - start);
    }
    return out;
  }

  /**
   * The lengths in tokens of documents [start, start + count), end-of-text included; of all of them where nothing is said. Four bytes each:
   * ask for a range where a corpus may be large.
   */
  documentLengths(start = 0, count = this.numDocuments - start): Uint32Array {
    return new Uint32Array(
      this.#files.read(this.#documentsFile, start * LENGTH_BYTES, count * LENGTH_BYTES).buffer,
    );
  }

  /** What to throw where the lengths do not add up to the tokens. */
  wrongLengths(): Error {
    return artifactBroken(
      this.#files.path(this.#documentsFile),
      `its lengths do not add up to the ${this.length} tokens of the split`,
    );
  }

  /** Closes the files of the whole artifact. One that is read again is opened again. */
  close(): void {
    this.#files.close();
  }

  #readShard({ file, tokens }: Shard, start: number, count: number): Uint16Array | Uint32Array {
    const { buffer } = this.#files.read(file, start * this.#width, count * this.#width, tokens * this.#width);
    const ids = this.#width === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
    for (const id of ids)
      if (id >= this.#vocabSize)
        throw artifactBroken(
          this.#files.path(file),
          `it has the token ${id} of a vocabulary of ${this.#vocabSize}`,
        );
    return ids;
  }
}

/** A line of the corpus that was left out. Lines count from 1. */
export interface LeftOutLine {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

interface SplitCounts {
  readonly tokens: number;
  readonly documents: number;
  /** Of the document that is not ended yet. */
  readonly documentTokens: number;
  readonly textBytes: number;
}

/** How far a writer is: what it goes on from after an interruption. */
export interface TokenWriterState {
  readonly splits: Readonly<Record<Split, SplitCounts>>;
  readonly leftOut: { readonly lines: number; readonly bytes: number };
}

const NOTHING: SplitCounts = { tokens: 0, documents: 0, documentTokens: 0, textBytes: 0 };
const FROM_THE_BEGINNING: TokenWriterState = {
  splits: { train: NOTHING, validation: NOTHING },
  leftOut: { lines: 0, bytes: 0 },
};

/** One split at work. */
class SplitWriter implements Disposable {
  readonly ids: ShardSeries;
  readonly lengths: GrowingFile;
  documentTokens: number;
  textBytes: number;

  constructor(directory: string, split: Split, recordBytes: number, from: SplitCounts) {
    this.ids = new ShardSeries(
      directory,
      split,
      { recordBytes, recordsPerShard: TOKENS_PER_SHARD },
      from.tokens,
    );
    try {
      this.lengths = new GrowingFile(join(directory, documentsFile(split)), from.documents * LENGTH_BYTES);
    } catch (error) {
      this.ids[Symbol.dispose]();
      throw error;
    }
    this.documentTokens = from.documentTokens;
    this.textBytes = from.textBytes;
  }

  get counts(): SplitCounts {
    const { documentTokens, textBytes } = this;
    return {
      tokens: this.ids.records,
      documents: this.lengths.length / LENGTH_BYTES,
      documentTokens,
      textBytes,
    };
  }

  [Symbol.dispose](): void {
    this.ids[Symbol.dispose]();
    this.lengths[Symbol.dispose]();
  }
}

/** Writes token shards as the documents come; memory does not grow with the corpus. */
export class TokenShardsWriter implements Disposable {
  readonly directory: string;
  /** What holds files. */
  #opened: Disposable[] = [];
  #vocabulary!: TokenVocabulary;
  #dtype: 'u16' | 'u32' = 'u16';
  #splits!: Record<Split, SplitWriter>;
  #leftOut!: GrowingFile;
  #leftOutLines = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Fixes the vocabulary and stores the tokenizer. Must come first. @param from the state to go on from; whatever was written after it is forgotten */
  async begin(
    vocabulary: TokenVocabulary,
    tokenizerJson: string,
    from: TokenWriterState = FROM_THE_BEGINNING,
  ): Promise<void> {
    this[Symbol.dispose]();
    const { vocabSize, endOfTextId, padId } = vocabulary;
    this.#vocabulary = { vocabSize, endOfTextId, padId };
    this.#dtype = vocabSize <= 65536 ? 'u16' : 'u32';
    await writeFileWhole(join(this.directory, 'tokenizer.json'), tokenizerJson);
    const width = widthOf({ dtype: this.#dtype });
    const open = (split: Split) =>
      this.#holding(new SplitWriter(this.directory, split, width, from.splits[split]));
    this.#splits = { train: open('train'), validation: open('validation') };
    this.#leftOut = this.#holding(new GrowingFile(this.#leftOutFile, from.leftOut.bytes));
    this.#leftOutLines = from.leftOut.lines;
  }

  /** Appends a piece of the current document. */
  append(split: Split, ids: ArrayLike<number>, textBytes: number): void {
    const writer = this.#splits[split];
    writer.ids.append(this.#dtype === 'u16' ? asArray(Uint16Array, ids) : asArray(Uint32Array, ids));
    writer.documentTokens += ids.length;
    writer.textBytes += textBytes;
  }

  /** Ends the current document, with the end-of-text token unless it is to have none. */
  endDocument(split: Split, hasEndOfText = true): void {
    if (hasEndOfText) this.append(split, [this.#vocabulary.endOfTextId], 0);
    const writer = this.#splits[split];
    writer.lengths.append(Uint32Array.of(writer.documentTokens));
    writer.documentTokens = 0;
  }

  /** Notes a line that could not be used. */
  leaveOut(line: LeftOutLine): void {
    this.#leftOut.append(Buffer.from(`${JSON.stringify(line)}\n`));
    this.#leftOutLines++;
  }

  /** Makes everything so far survive a power cut, and says how to go on from here. */
  save(): TokenWriterState {
    for (const split of SPLITS) {
      this.#splits[split].ids.sync();
      this.#splits[split].lengths.sync();
    }
    this.#leftOut.sync();
    return {
      splits: { train: this.#splits.train.counts, validation: this.#splits.validation.counts },
      leftOut: { lines: this.#leftOutLines, bytes: this.#leftOut.length },
    };
  }

  /** Closes the files and writes the index, by which the artifact becomes readable. */
  async finish(): Promise<TokenIndex & { leftOutLines: number }> {
    const indexOf = (split: Split) => {
      const { ids, lengths, counts } = this.#splits[split];
      ids.close();
      lengths.close();
      const { tokens, documents, textBytes } = counts;
      return {
        tokens,
        documents,
        textBytes,
        shards: ids.shards.map(({ file, records }) => ({ file, tokens: records })),
      };
    };
    const splits = { train: indexOf('train'), validation: indexOf('validation') };
    this.#leftOut.close();
    if (this.#leftOutLines === 0) rmSync(this.#leftOutFile);
    const index: TokenIndex = {
      formatVersion: FORMAT_VERSION,
      ...this.#vocabulary,
      dtype: this.#dtype,
      splits,
    };
    await writeJson(join(this.directory, 'index.json'), index);
    return { ...index, leftOutLines: this.#leftOutLines };
  }

  /** Closes what is still open. What was appended since the last `save` is lost, unless `finish` has written it. */
  [Symbol.dispose](): void {
    for (const opened of this.#opened.splice(0)) opened[Symbol.dispose]();
  }

  #holding<T extends Disposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  get #leftOutFile(): string {
    return join(this.directory, 'left-out.jsonl');
  }
}

/** The numbers as a typed array, copied only where they are none of this type yet. */
function asArray<T extends Uint16Array | Uint32Array>(
  type: { new (values: ArrayLike<number>): T; readonly prototype: T },
  values: ArrayLike<number>,
): T {
  return values instanceof type ? values : new type(values);
}
