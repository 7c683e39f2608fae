/**
 * Token shards: a corpus as token ids on disk, in two splits, read at random without loading it.
 *
 *     index.json                 format version, vocabulary, special ids, counts, shards
 *     tokenizer.json             the tokenizer that made them (Hugging Face format)
 *     train-00000.bin …          token ids, little-endian u16 (vocabulary ≤ 65,536) or u32
 *     train.documents.bin        the length of each document in tokens, u32
 *     validation-00000.bin …     likewise
 *
 * Documents end with the end-of-text token, unless they were written without; it counts to their length. Documents may straddle shards.
 */

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { artifactBroken } from '../errors.ts';
import { appendBytes, readIndex, writeFileWhole, writeJson } from './files.ts';

export const SPLITS = ['train', 'validation'] as const;
export type Split = (typeof SPLITS)[number];

interface Shard {
  readonly file: string;
  readonly tokens: number;
}

interface SplitIndex {
  readonly tokens: number;
  readonly documents: number;
  readonly textBytes: number;
  readonly shards: readonly Shard[];
}

/** What a reader must know of the tokenizer, besides the ids. */
export interface TokenVocabulary {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
}

export interface TokenIndex extends TokenVocabulary {
  readonly formatVersion: number;
  readonly dtype: 'u16' | 'u32';
  readonly splits: Record<Split, SplitIndex>;
}

const KIND = 'token-shards';
const FORMAT_VERSION = 1;
const TOKENS_PER_SHARD = 2 ** 26;

/** The artifact kind that `tokenize` makes. */
export const tokenShards = Object.freeze({
  name: KIND,
  formatVersion: FORMAT_VERSION,
  open: async (directory: string) => new TokenShards(directory, await readIndex<TokenIndex>(join(directory, 'index.json'), KIND, FORMAT_VERSION)),
  create: async (directory: string) => new TokenShardsWriter(directory),
});

/** Reads the splits of a token-shards artifact. */
export class TokenShards {
  readonly directory: string;
  readonly index: TokenIndex;

  constructor(directory: string, index: TokenIndex) {
    this.directory = directory;
    this.index = index;
  }

  get tokenizerFile(): string {
    return join(this.directory, 'tokenizer.json');
  }

  split(name: Split): TokenStream {
    return new TokenStream(this.directory, this.index, name);
  }
}

/** One split as one long row of token ids. Reads go to the disk; nothing is kept but the document lengths, once asked for. */
export class TokenStream {
  readonly length: number;
  readonly numDocuments: number;
  readonly textBytes: number;
  readonly #directory: string;
  readonly #name: Split;
  readonly #width: 2 | 4;
  readonly #shards: readonly (Shard & { start: number })[];
  readonly #handles = new Map<string, number>();

  constructor(directory: string, index: TokenIndex, name: Split) {
    const split = index.splits[name];
    this.#directory = directory;
    this.#name = name;
    this.#width = index.dtype === 'u16' ? 2 : 4;
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

  /** The length of each document in tokens, its end-of-text token included. */
  documentLengths(): Uint32Array {
    const bytes = readFileSync(join(this.#directory, `${this.#name}.documents.bin`));
    return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }

  close(): void {
    for (const handle of this.#handles.values()) closeSync(handle);
    this.#handles.clear();
  }

  #readShard(shard: Shard, start: number, count: number): Uint16Array | Uint32Array {
    const handle = this.#open(shard);
    const ids = this.#width === 2 ? new Uint16Array(count) : new Uint32Array(count);
    readSync(handle, new Uint8Array(ids.buffer), 0, ids.byteLength, start * this.#width);
    return ids;
  }

  #open(shard: Shard): number {
    const known = this.#handles.get(shard.file);
    if (known !== undefined) return known;
    const file = join(this.#directory, shard.file);
    const handle = openSync(file, 'r');
    const expected = shard.tokens * this.#width;
    if (fstatSync(handle).size !== expected) throw artifactBroken(file, `it has ${fstatSync(handle).size} bytes instead of ${expected}`);
    this.#handles.set(shard.file, handle);
    return handle;
  }
}

interface OpenSplit {
  shards: Shard[];
  handle: number | undefined;
  documents: number;
  documentTokens: number;
  lengths: number;
  tokens: number;
  textBytes: number;
}

/** Writes token shards as the documents come; memory does not grow with the corpus. */
export class TokenShardsWriter {
  readonly directory: string;
  #vocabulary!: TokenVocabulary;
  #dtype: 'u16' | 'u32' = 'u16';
  readonly #splits = new Map<Split, OpenSplit>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Fixes the vocabulary and stores the tokenizer. Must come first. */
  async begin(vocabulary: TokenVocabulary, tokenizerJson: string): Promise<void> {
    this.#vocabulary = vocabulary;
    this.#dtype = vocabulary.vocabSize <= 65536 ? 'u16' : 'u32';
    await writeFileWhole(join(this.directory, 'tokenizer.json'), tokenizerJson);
    for (const name of SPLITS) {
      const lengths = openSync(join(this.directory, `${name}.documents.bin`), 'w');
      this.#splits.set(name, { shards: [], handle: undefined, documents: 0, documentTokens: 0, lengths, tokens: 0, textBytes: 0 });
    }
  }

  /** Appends a piece of the current document. */
  append(split: Split, ids: ArrayLike<number>, textBytes: number): void {
    const open = this.#split(split);
    let shard = open.shards.at(-1);
    if (open.handle === undefined || (shard && shard.tokens >= TOKENS_PER_SHARD)) shard = this.#nextShard(split, open);
    appendBytes(open.handle as number, this.#dtype === 'u16' ? Uint16Array.from(ids) : Uint32Array.from(ids));
    open.shards[open.shards.length - 1] = { file: (shard as Shard).file, tokens: (shard as Shard).tokens + ids.length };
    open.tokens += ids.length;
    open.documentTokens += ids.length;
    open.textBytes += textBytes;
  }

  /** Ends the current document, with the end-of-text token unless it is to have none. */
  endDocument(split: Split, hasEndOfText = true): void {
    if (hasEndOfText) this.append(split, [this.#vocabulary.endOfTextId], 0);
    const open = this.#split(split);
    appendBytes(open.lengths, Uint32Array.of(open.documentTokens));
    open.documents++;
    open.documentTokens = 0;
  }

  /** Closes the files and writes the index, by which the artifact becomes readable. */
  async finish(): Promise<TokenIndex> {
    const splits = {} as Record<Split, SplitIndex>;
    for (const [name, open] of this.#splits) {
      if (open.handle !== undefined) closeSync(open.handle);
      closeSync(open.lengths);
      splits[name] = { tokens: open.tokens, documents: open.documents, textBytes: open.textBytes, shards: open.shards };
    }
    const index: TokenIndex = { formatVersion: FORMAT_VERSION, ...this.#vocabulary, dtype: this.#dtype, splits };
    await writeJson(join(this.directory, 'index.json'), index);
    return index;
  }

  #split(name: Split): OpenSplit {
    return this.#splits.get(name) as OpenSplit;
  }

  #nextShard(split: Split, open: OpenSplit): Shard {
    if (open.handle !== undefined) closeSync(open.handle);
    const shard = { file: `${split}-${String(open.shards.length).padStart(5, '0')}.bin`, tokens: 0 };
    open.handle = openSync(join(this.directory, shard.file), 'w');
    open.shards.push(shard);
    return shard;
  }
}
