/** A corpus as token shards, chunk by chunk, from where a stopped stage was. */

import { ProgressFile, type Split, type TokenWriterState } from 'calm-lm/artifacts';
import {
  alignPrompt,
  CORPUS_START,
  type CorpusFile,
  type CorpusPlace,
  type CorpusWorkers,
  type EncodedChunk,
  type PairTokens,
  type Read,
  splitOf,
  type Tokenizer,
} from 'calm-lm/data';
import type { Context } from './context.ts';
import { LineCheck } from './line-check.ts';
import { takeAll } from './take-all.ts';

/** Where the encoding of a corpus is. */
interface EncodingState {
  readonly place: CorpusPlace;
  /** Newlines of the file before this place. */
  readonly numLines: number;
  readonly numDocuments: number;
  /** Whether the document that goes on here has had text. */
  readonly hasText: boolean;
  readonly numEmpty: number;
  readonly writer?: TokenWriterState;
}

const AT_THE_START: EncodingState = {
  place: CORPUS_START,
  numLines: 0,
  numDocuments: 0,
  hasText: false,
  numEmpty: 0,
};

export class CorpusEncoding {
  readonly #context: Context;
  readonly #files: readonly CorpusFile[];
  readonly #tokenizer: Tokenizer;
  readonly #progress: ProgressFile<EncodingState>;
  readonly #lines: LineCheck;
  #state: EncodingState = AT_THE_START;

  constructor(context: Context, files: readonly CorpusFile[], tokenizer: Tokenizer) {
    this.#context = context;
    this.#files = files;
    this.#tokenizer = tokenizer;
    this.#progress = new ProgressFile(context.checkpoints, 'encoding');
    this.#lines = new LineCheck(context, files, 0, (line) => context.outputs.tokens.leaveOut(line));
  }

  /** Returns how many documents were empty, and what is wrong with the first line that was left out. */
  async run(
    workers: CorpusWorkers,
  ): Promise<{ readonly numEmpty: number; readonly firstProblem: string | undefined }> {
    const { outputs, report, signal } = this.#context;
    await this.#forgetLeftOutLines();
    const hasPairs = this.#files.some(({ fields }) => fields !== undefined);
    const pairs = hasPairs ? { alignedTo: this.#alignTo } : undefined;
    const saved = await this.#progress.goOn(report, (state) =>
      outputs.tokens.begin(this.#tokenizer, this.#tokenizer.toFiles(), state?.writer, pairs),
    );
    if (saved) {
      this.#state = saved;
      this.#lines.numLines = saved.numLines;
      report.note(`resuming after ${saved.numDocuments} documents`);
    }
    const started = performance.now();
    let tokens = 0;
    const take = (read: Read<EncodedChunk>) => {
      this.#append(read);
      tokens += read.result.ids.length;
      report.progress({
        step: this.#state.numDocuments,
        values: { tokens },
        tokensPerSecond: (1000 * tokens) / (performance.now() - started),
      });
    };
    const chunks = workers.encode(this.#tokenizer, this.#state.place);
    await takeAll(chunks, take, { progress: this.#progress, save: () => this.#save(), signal });
    return { numEmpty: this.#state.numEmpty, firstProblem: this.#lines.firstProblem };
  }

  /** Documents are filled up to a multiple of so many tokens. */
  get #alignTo(): number {
    return this.#context.config.alignTo ?? 1;
  }

  /** What an earlier run did that left lines out is done again where such lines are now refused. */
  async #forgetLeftOutLines(): Promise<void> {
    if (this.#context.config.onBadLine === 'skip') return;
    const saved = await this.#progress.load();
    if ((saved?.writer?.leftOut.lines ?? 0) > 0) await this.#progress.save(AT_THE_START);
  }

  async #save(): Promise<void> {
    await this.#progress.save({ ...this.#state, writer: this.#context.outputs.tokens.save() });
  }

  /** Writes the documents of a chunk and moves on behind it. */
  #append(read: Read<EncodedChunk>): void {
    this.#lines.look(read);
    const { end, result } = read;
    const { config, outputs } = this.#context;
    const { beginning, ending } = this.#tokenizer;
    let { numDocuments, hasText, numEmpty } = this.#state;
    let at = 0;
    const numTexts = result.numTokens.length - result.pairs.length;
    for (const [i, numTokens] of result.numTokens.entries()) {
      const pair = i < numTexts ? undefined : (result.pairs[i - numTexts] as PairTokens);
      if (pair) {
        // Turns of one conversation are of one split.
        if (!pair.isLaterTurn) numDocuments++;
        const ids = result.ids.subarray(at, at + numTokens);
        const split = splitOf(numDocuments - 1, config.validationFraction);
        this.#appendPair(split, ids, pair, result.numBytes[i] as number);
        at += numTokens;
        continue;
      }
      const goesOn = i === result.numTokens.length - 1 && end.isInside;
      // White space before the first word of a document that comes in pieces is no document yet.
      if (hasText || !result.isBlank[i]) {
        const split = splitOf(numDocuments, config.validationFraction);
        if (!hasText) outputs.tokens.append(split, beginning, 0);
        outputs.tokens.append(split, result.ids.subarray(at, at + numTokens), result.numBytes[i] as number);
        hasText = goesOn;
        if (!goesOn) {
          outputs.tokens.append(split, ending, 0);
          outputs.tokens.endDocument(split, this.#needsEnd(ending));
          numDocuments++;
        }
      } else if (!goesOn) numEmpty++;
      at += numTokens;
    }
    this.#state = {
      place: end,
      numLines: this.#lines.numLines,
      numDocuments,
      hasText,
      numEmpty: numEmpty + result.numEmpty,
    };
  }

  /** Whether a document that ends so gets an end-of-text. */
  #needsEnd(ending: ArrayLike<number>): boolean {
    const last = ending[ending.length - 1];
    return this.#context.config.endDocuments && last !== this.#tokenizer.endOfTextId;
  }

  /**
   * A prompt, filled up before its beginning as prompts are for sampling, and its completion. What a template
   * made has all that stands around it.
   */
  #appendPair(split: Split, ids: EncodedChunk['ids'], pair: PairTokens, numBytes: number): void {
    const { tokens } = this.#context.outputs;
    const { beginning, ending, endOfTextId } = this.#tokenizer;
    const prompt = ids.subarray(0, pair.numPromptTokens);
    const before = [...(pair.isRendered ? [] : beginning), ...prompt];
    const aligned = alignPrompt(before, this.#alignTo, endOfTextId);
    const completion = [...ids.subarray(pair.numPromptTokens), ...(pair.isRendered ? [] : ending)];
    tokens.append(split, aligned, numBytes);
    tokens.append(split, completion, 0);
    tokens.endDocument(split, this.#needsEnd(completion), aligned.length);
  }
}
