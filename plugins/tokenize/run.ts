import { basename } from 'node:path';
import { type LeftOutLine, ProgressFile, SPLITS, type Split, type TokenWriterState, type tokenShards } from 'calm-lm/artifacts';
import {
  ByteTokenizer,
  CORPUS_START,
  type CorpusFile,
  type CorpusPlace,
  CorpusWorkers,
  type CountedChunk,
  type EncodedChunk,
  listCorpus,
  loadTokenizer,
  openSerialised,
  openTokenizer,
  type Read,
  type SerialisedTokenizer,
  type Tokenizer,
  trainBpe,
  WordCounter,
} from 'calm-lm/data';
import { badCorpusLine, corpusChanged } from 'calm-lm/errors';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import { goOnFrom } from '../shared/going-on.ts';
import type { config } from './config.ts';

type Config = z.infer<typeof config>;
type Context = StageContext<Config, Record<never, never>, { tokens: typeof tokenShards }>;

/** Two passes for a trained tokenizer (count words, then encode), one otherwise. A stopped stage goes on where it was, in either. */
export async function run(context: Context): Promise<void> {
  const { outputs, report, config } = context;
  const files = await corpusFiles(context);
  const tokenizer = await chooseTokenizer(context, files);
  const numEmpty = await new CorpusEncoding(context, files, tokenizer).run();
  const { splits, leftOutLines } = await outputs.tokens.finish();
  await refuseChanged(context, files);
  for (const split of SPLITS) {
    if (splits[split].documents === 0 && config.validationFraction > 0 && config.validationFraction < 1)
      report.warn(`the ${split} split has no document; split larger files with \`documents: paragraph\`, or change validationFraction`);
  }
  if (leftOutLines > 0) report.warn(`${leftOutLines} lines were left out; tokens/left-out.jsonl lists them`);
  report.summary({
    vocabSize: tokenizer.vocabSize,
    trainTokens: splits.train.tokens,
    validationTokens: splits.validation.tokens,
    documents: splits.train.documents + splits.validation.documents,
    ...(numEmpty > 0 ? { emptyDocuments: numEmpty } : {}),
    ...(leftOutLines > 0 ? { leftOutLines } : {}),
    bytesPerToken: (splits.train.textBytes + splits.validation.textBytes) / (splits.train.tokens + splits.validation.tokens),
  });
}

/** The corpus's files. One text file alone has nothing to hold out, unless its paragraphs count as documents. */
async function corpusFiles({ config, resolvePath, report }: Context): Promise<CorpusFile[]> {
  const files = await listCorpus(config.corpus, resolvePath('.'));
  const holdsOut = config.validationFraction > 0 && config.validationFraction < 1;
  if (files.length > 1 || !holdsOut || files[0].documents !== 'file') return files;
  report.warn('the corpus is one file, so its paragraphs are taken as documents (`documents: paragraph`); `validationFraction: 0` keeps it whole');
  return [{ ...files[0], documents: 'paragraph' }];
}

/** A corpus that was written to while it was read is none. */
async function refuseChanged({ config, resolvePath }: Context, files: readonly CorpusFile[]): Promise<void> {
  const now = await listCorpus(config.corpus, resolvePath('.'));
  const changed = files.find(
    ({ path, sizeBytes, modifiedMs }, i) => path !== now[i]?.path || sizeBytes !== now[i].sizeBytes || modifiedMs !== now[i].modifiedMs,
  );
  if (changed) throw corpusChanged(changed.path);
}

async function chooseTokenizer(context: Context, files: readonly CorpusFile[]): Promise<Tokenizer> {
  const { tokenizer, endOfTextToken } = context.config;
  if (tokenizer === 'bytes') return new ByteTokenizer();
  if (tokenizer !== 'bpe') return loadTokenizer(context.resolvePath(tokenizer), endOfTextToken);
  const kept = new ProgressFile<SerialisedTokenizer>(context.checkpoints, 'tokenizer');
  const known = await kept.load();
  if (known) return openSerialised(known);
  const trained = await trainTokenizer(context, files);
  await kept.save({ json: trained.toJson(), endOfTextId: trained.endOfTextId });
  return trained;
}

interface CountingState {
  readonly place: CorpusPlace;
  readonly numLines: number;
  readonly words: readonly string[];
  readonly counts: readonly number[];
}

/** Half a minute, because the words of a large corpus are a large state. */
const COUNTS_EVERY_MS = 30_000;

async function trainTokenizer(context: Context, files: readonly CorpusFile[]): Promise<Tokenizer> {
  const { config, report, signal, checkpoints } = context;
  const progress = new ProgressFile<CountingState>(checkpoints, 'words', COUNTS_EVERY_MS);
  const counter = new WordCounter();
  const saved = await progress.load();
  if (saved) counter.addCounts(saved.words, saved.counts);
  let place = saved?.place ?? CORPUS_START;
  const lines = new LineCheck(context, files, saved?.numLines ?? 0, () => {});
  const save = () => progress.save({ place, numLines: lines.numLines, words: [...counter.counts.keys()], counts: [...counter.counts.values()] });
  report.note('counting words');
  try {
    for await (const read of new CorpusWorkers(files, signal).count(place)) {
      lines.look(read);
      counter.addCounts(read.result.words, read.result.counts);
      place = read.end;
      report.progress({ step: megabytesBefore(files, place), steps: megabytesBefore(files, { ...CORPUS_START, file: files.length }) });
      if (progress.isDue()) await save();
    }
  } catch (error) {
    if (signal.aborted) await save();
    throw error;
  }
  report.note('training the tokenizer');
  const json = trainBpe(counter.counts, config.vocabSize);
  const tokenizer = openTokenizer(json, 'the trained tokenizer');
  if (tokenizer.vocabSize < config.vocabSize)
    report.warn(`the corpus gives a vocabulary of ${tokenizer.vocabSize} only; no further pair of symbols occurs twice`);
  return tokenizer;
}

/** Megabytes of files before a place; a .gz counts by what it holds, as far as it was read. */
function megabytesBefore(files: readonly CorpusFile[], { file, offset }: CorpusPlace): number {
  const whole = files.slice(0, file).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return Math.floor((whole + Math.min(offset, files[file]?.sizeBytes ?? 0)) / 1e6);
}

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

const AT_THE_START: EncodingState = { place: CORPUS_START, numLines: 0, numDocuments: 0, hasText: false, numEmpty: 0 };

class CorpusEncoding {
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

  /** Returns how many documents were empty. */
  async run(): Promise<number> {
    const { outputs, report, signal } = this.#context;
    const saved = await goOnFrom(this.#progress, report, (state) => outputs.tokens.begin(this.#tokenizer, this.#tokenizer.toJson(), state?.writer));
    if (saved) {
      this.#state = saved;
      this.#lines.numLines = saved.numLines;
      report.note(`going on after ${saved.numDocuments} documents`);
    }
    const started = performance.now();
    let tokens = 0;
    try {
      for await (const read of new CorpusWorkers(this.#files, signal).encode(this.#tokenizer, this.#state.place)) {
        this.#append(read);
        tokens += read.result.ids.length;
        report.progress({ step: this.#state.numDocuments, values: { tokens }, tokensPerSecond: (1000 * tokens) / (performance.now() - started) });
        if (this.#progress.isDue()) await this.#save();
      }
    } catch (error) {
      if (signal.aborted) await this.#save();
      throw error;
    }
    return this.#state.numEmpty;
  }

  async #save(): Promise<void> {
    await this.#progress.save({ ...this.#state, writer: this.#context.outputs.tokens.save() });
  }

  /** Writes the documents of a chunk and moves on behind it. */
  #append(read: Read<EncodedChunk>): void {
    this.#lines.look(read);
    const { end, result } = read;
    const { config, outputs } = this.#context;
    let { numDocuments, hasText, numEmpty } = this.#state;
    let at = 0;
    for (const [i, numTokens] of result.numTokens.entries()) {
      const goesOn = i === result.numTokens.length - 1 && end.isInside;
      // White space before the first word of a document that comes in pieces is no document yet.
      if (hasText || !result.isBlank[i]) {
        const split = splitOf(numDocuments, config.validationFraction);
        outputs.tokens.append(split, result.ids.subarray(at, at + numTokens), result.numBytes[i]);
        hasText = goesOn;
        if (!goesOn) {
          outputs.tokens.endDocument(split, config.endDocuments);
          numDocuments++;
        }
      } else if (!goesOn) numEmpty++;
      at += numTokens;
    }
    this.#state = { place: end, numLines: this.#lines.numLines, numDocuments, hasText, numEmpty: numEmpty + result.numEmpty };
  }
}

/** Counts the lines of the file that is read, and refuses or tells those that can't be used. */
class LineCheck {
  /** Newlines of the file so far. */
  numLines: number;
  readonly #context: Context;
  readonly #files: readonly CorpusFile[];
  readonly #leaveOut: (line: LeftOutLine) => void;

  constructor(context: Context, files: readonly CorpusFile[], numLines: number, leaveOut: (line: LeftOutLine) => void) {
    this.#context = context;
    this.#files = files;
    this.numLines = numLines;
    this.#leaveOut = leaveOut;
  }

  look({ begin, result }: Read<EncodedChunk | CountedChunk>): void {
    if (begin.offset === 0) this.numLines = 0;
    const { path } = this.#files[begin.file];
    for (const { line, problem } of result.badLines) {
      if (this.#context.config.onBadLine === 'fail') throw badCorpusLine(path, this.numLines + line, problem);
      this.#leaveOut({ file: basename(path), line: this.numLines + line, problem });
    }
    this.numLines += result.numLines;
  }
}

/** Holds out every 1/fraction-th document, beginning with the first that makes the fraction whole. */
function splitOf(document: number, fraction: number): Split {
  return Math.floor((document + 1) * fraction) > Math.floor(document * fraction) ? 'validation' : 'train';
}
