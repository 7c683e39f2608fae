import { basename } from 'node:path';
import type { LeftOutLine } from 'calm-lm/artifacts';
import { type CorpusFile, type CountedChunk, corpusFormat, type EncodedChunk, type Read } from 'calm-lm/data';
import { badCorpusLine } from 'calm-lm/errors';
import type { Context } from './context.ts';

/**
 * Counts the records (lines, rows) of the file that is read, and refuses or notes those that can't be used.
 */
export class LineCheck {
  /** Records of the file so far. */
  numLines: number;
  /** What is wrong with the first line that was left out. */
  firstProblem: string | undefined;
  readonly #context: Context;
  readonly #files: readonly CorpusFile[];
  readonly #leaveOut: (line: LeftOutLine) => void;

  constructor(
    context: Context,
    files: readonly CorpusFile[],
    numLines: number,
    leaveOut: (line: LeftOutLine) => void,
  ) {
    this.#context = context;
    this.#files = files;
    this.numLines = numLines;
    this.#leaveOut = leaveOut;
  }

  look({ begin, result }: Read<EncodedChunk | CountedChunk>): void {
    if (begin.offset === 0) this.numLines = 0;
    const { path, format } = this.#files[begin.file] as CorpusFile;
    const unit = corpusFormat(format).unit ?? 'record';
    for (const { number, problem } of result.bad) {
      const line = this.numLines + number;
      if (this.#context.config.onBadLine === 'fail') throw badCorpusLine(path, unit, line, problem);
      this.firstProblem ??= problem;
      this.#leaveOut({ file: basename(path), line, problem });
    }
    this.numLines += result.numRecords;
  }
}
