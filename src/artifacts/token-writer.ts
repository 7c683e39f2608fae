/** Writes token shards as the documents come; memory does not grow with the corpus. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileWhole, writeJson } from './files.ts';
import { GrowingFile } from './growing-files.ts';
import { RecordSeriesWriter } from './record-series-writer.ts';
import { type BySplit, bySplit, SPLITS, type Split } from './splits.ts';
import {
  documentsFile,
  LENGTH_BYTES,
  promptsFile,
  TOKEN_FORMAT_VERSION,
  TOKENS_PER_SHARD,
  type TokenIndex,
  type TokenVocabulary,
  widthOf,
} from './token-index.ts';

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

/** How far a writer is: what it resumes from after an interruption. */
export interface TokenWriterState {
  readonly splits: BySplit<SplitCounts>;
  readonly leftOut: { readonly lines: number; readonly bytes: number };
}

const NOTHING: SplitCounts = { tokens: 0, documents: 0, documentTokens: 0, textBytes: 0 };
const FROM_THE_BEGINNING: TokenWriterState = {
  splits: { train: NOTHING, validation: NOTHING },
  leftOut: { lines: 0, bytes: 0 },
};

/** One split at work. */
class SplitWriter implements Disposable {
  readonly ids: RecordSeriesWriter;
  readonly lengths: GrowingFile;
  readonly prompts: GrowingFile | undefined;
  documentTokens: number;
  textBytes: number;

  constructor(directory: string, split: Split, recordBytes: number, from: SplitCounts, hasPrompts: boolean) {
    this.ids = new RecordSeriesWriter(
      directory,
      split,
      { recordBytes, recordsPerShard: TOKENS_PER_SHARD },
      from.tokens,
    );
    const growing = (file: string) => new GrowingFile(join(directory, file), from.documents * LENGTH_BYTES);
    try {
      this.lengths = growing(documentsFile(split));
      this.prompts = hasPrompts ? growing(promptsFile(split)) : undefined;
    } catch (error) {
      this[Symbol.dispose]();
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

  sync(): void {
    this.ids.sync();
    this.lengths.sync();
    this.prompts?.sync();
  }

  /** Closes the files. @returns what the index says of the split */
  finish(): TokenIndex['splits'][Split] {
    this.ids.close();
    this.lengths.close();
    this.prompts?.close();
    const { tokens, documents, textBytes } = this.counts;
    return { tokens, documents, textBytes, shards: this.ids.shards('tokens') };
  }

  [Symbol.dispose](): void {
    this.ids[Symbol.dispose]();
    this.lengths?.[Symbol.dispose]();
    this.prompts?.[Symbol.dispose]();
  }
}

/** Writes token shards as the documents come; memory does not grow with the corpus. */
export class TokenShardsWriter implements Disposable {
  readonly directory: string;
  /** What holds files. */
  #opened: Disposable[] = [];
  #vocabulary!: TokenVocabulary;
  #dtype: 'u16' | 'u32' = 'u16';
  #splits!: BySplit<SplitWriter>;
  #leftOut!: GrowingFile;
  #leftOutLines = 0;
  #pairs: TokenIndex['pairs'];

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Fixes the vocabulary and stores the tokenizer. Must come first.
   * @param tokenizer its files by their names
   * @param from the state to resume from; whatever was written after it is forgotten
   * @param pairs where documents have prompts
   */
  async begin(
    vocabulary: TokenVocabulary,
    tokenizer: Readonly<Record<string, string>>,
    from: TokenWriterState = FROM_THE_BEGINNING,
    pairs?: TokenIndex['pairs'],
  ): Promise<void> {
    this[Symbol.dispose]();
    this.#pairs = pairs;
    const { vocabSize, endOfTextId, padId } = vocabulary;
    this.#vocabulary = { vocabSize, endOfTextId, padId };
    this.#dtype = vocabSize <= 65536 ? 'u16' : 'u32';
    for (const [name, text] of Object.entries(tokenizer))
      await writeFileWhole(join(this.directory, name), text);
    const width = widthOf({ dtype: this.#dtype });
    this.#splits = bySplit((split) =>
      this.#holding(new SplitWriter(this.directory, split, width, from.splits[split], pairs !== undefined)),
    );
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

  /**
   * Ends the current document, with the end-of-text token unless it is to have none, and padding up to a
   * multiple of `alignedTo`.
   * @param promptTokens at its beginning that a model is not to learn
   */
  endDocument(split: Split, hasEndOfText = true, promptTokens = 0): void {
    if (hasEndOfText) this.append(split, [this.#vocabulary.endOfTextId], 0);
    const writer = this.#splits[split];
    const { alignedTo = 1 } = this.#pairs ?? {};
    const lacking = (alignedTo - (writer.documentTokens % alignedTo)) % alignedTo;
    if (lacking > 0) this.append(split, new Array<number>(lacking).fill(this.#vocabulary.padId), 0);
    writer.lengths.append(Uint32Array.of(writer.documentTokens));
    writer.prompts?.append(Uint32Array.of(promptTokens));
    writer.documentTokens = 0;
  }

  /** Notes a line that could not be used. */
  leaveOut(line: LeftOutLine): void {
    this.#leftOut.append(Buffer.from(`${JSON.stringify(line)}\n`));
    this.#leftOutLines++;
  }

  /** Makes everything so far survive a power cut, and says how to resume here. */
  save(): TokenWriterState {
    for (const split of SPLITS) this.#splits[split].sync();
    this.#leftOut.sync();
    return {
      splits: bySplit((split) => this.#splits[split].counts),
      leftOut: { lines: this.#leftOutLines, bytes: this.#leftOut.length },
    };
  }

  /** Closes the files and writes the index, by which the artifact becomes readable. */
  async finish(): Promise<TokenIndex & { leftOutLines: number }> {
    const splits = bySplit((split) => this.#splits[split].finish());
    this.#leftOut.close();
    if (this.#leftOutLines === 0) rmSync(this.#leftOutFile);
    const index: TokenIndex = {
      formatVersion: TOKEN_FORMAT_VERSION,
      ...this.#vocabulary,
      dtype: this.#dtype,
      ...(this.#pairs ? { pairs: this.#pairs } : {}),
      splits,
    };
    await writeJson(join(this.directory, 'index.json'), index);
    return { ...index, leftOutLines: this.#leftOutLines };
  }

  /**
   * Closes what is still open. What was appended since the last `save` is lost, unless `finish` has written
   * it.
   */
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
