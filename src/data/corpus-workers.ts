/**
 * Reads a corpus and has its chunks worked on by threads, in order. The native tokenizer spreads its batches
 * over all
 * cores by itself; a thread of ours parses, copies ids and keeps it busy, and one does so for four cores.
 * Words are
 * counted in JavaScript, by a thread a core. Chunks of a plugin's format come parsed, as its module is not
 * loaded there.
 */

import { Worker } from 'node:worker_threads';
import { elementAt } from '../elements.ts';
import { CalmError } from '../errors.ts';
import { numThreads } from '../threads.ts';
import { CORPUS_START, type CorpusChunk, type CorpusPlace, readChunks } from './corpus-chunks.ts';
import { type CountedChunk, countChunk, type EncodedChunk, encodeChunk } from './encode-chunk.ts';
import type { CorpusFile } from './formats/format.ts';
import { openSerialised, type SerialisedTokenizer } from './tokenizers/hugging-face.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';

/** A chunk that was worked on. */
export interface Read<Result> {
  readonly begin: CorpusPlace;
  readonly end: CorpusPlace;
  readonly result: Result;
}

/** What a thread is started with: a tokenizer to encode with, or nothing where words are counted. */
export interface ThreadTask {
  readonly tokenizer?: SerialisedTokenizer;
}

export interface ThreadMessage {
  readonly number: number;
  readonly chunk: CorpusChunk;
  readonly file: CorpusFile;
}

export type ThreadAnswer = { readonly number: number } & (
  | { readonly result: EncodedChunk | CountedChunk }
  | {
      readonly error: Error;
      /** What the error says besides its message, if it is one of ours. */
      readonly calm: Pick<CalmError, 'code' | 'hint' | 'location'> | undefined;
    }
);

type Work = (chunk: CorpusChunk, file: CorpusFile) => Promise<EncodedChunk | CountedChunk>;

/** How a thread does its task. */
export function workOf({ tokenizer }: ThreadTask): Work {
  return tokenizer ? encodingWith(openSerialised(tokenizer)) : countChunk;
}

function encodingWith(tokenizer: Tokenizer): Work {
  return (chunk, file) => encodeChunk(chunk, file, tokenizer);
}

/** Starting a thread takes longer than reading a corpus of so many bytes. */
const WORTH_A_THREAD = 4 * 2 ** 20;
const CORES_A_THREAD = 4;
/** Chunks under way for each thread: while one is copied, others are in the native library. */
const CHUNKS_A_THREAD = 4;

export class CorpusWorkers {
  readonly #files: readonly CorpusFile[];
  readonly #signal: AbortSignal;

  constructor(files: readonly CorpusFile[], signal: AbortSignal) {
    this.#files = files;
    this.#signal = signal;
  }

  /** The documents of the corpus from a place on, as token ids. */
  encode(tokenizer: Tokenizer, from: CorpusPlace): AsyncGenerator<Read<EncodedChunk>> {
    const { endOfTextId, padId, chat } = tokenizer;
    const task = { tokenizer: { json: tokenizer.toJson(), endOfTextId, padId, chat } };
    return this.#run(
      task,
      encodingWith(tokenizer),
      Math.ceil(numThreads() / CORES_A_THREAD),
      from,
    ) as AsyncGenerator<Read<EncodedChunk>>;
  }

  /** The words of the corpus, counted chunk by chunk. */
  count(from: CorpusPlace = CORPUS_START): AsyncGenerator<Read<CountedChunk>> {
    return this.#run({}, countChunk, numThreads(), from) as AsyncGenerator<Read<CountedChunk>>;
  }

  /** @param here does the same on this thread, where the corpus is too small for others */
  async *#run(
    task: ThreadTask,
    here: Work,
    numWorkers: number,
    from: CorpusPlace,
  ): AsyncGenerator<Read<EncodedChunk | CountedChunk>> {
    const bytes = this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const threads = bytes < WORTH_A_THREAD ? [] : Array.from({ length: numWorkers }, () => new Thread(task));
    const underWay: { begin: CorpusPlace; end: CorpusPlace; result: Promise<EncodedChunk | CountedChunk> }[] =
      [];
    const most = Math.max(1, threads.length * CHUNKS_A_THREAD);
    try {
      for await (const chunk of readChunks(this.#files, from)) {
        this.#signal.throwIfAborted();
        const file = elementAt(this.#files, chunk.begin.file);
        const { begin, end } = chunk;
        const thread = threads.reduce<Thread | undefined>(
          (least, other) => (least && least.load <= other.load ? least : other),
          undefined,
        );
        const result = Promise.resolve(thread ? thread.work(chunk, file) : here(chunk, file));
        // What fails while an earlier one is waited for is told when its turn comes.
        result.catch(() => {});
        underWay.push({ begin, end, result });
        if (underWay.length >= most) yield await first(underWay);
      }
      while (underWay.length > 0) {
        this.#signal.throwIfAborted();
        yield await first(underWay);
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.end()));
    }
  }
}

async function first<Result>(
  underWay: { begin: CorpusPlace; end: CorpusPlace; result: Promise<Result> }[],
): Promise<Read<Result>> {
  const { begin, end, result } = elementAt(underWay.splice(0, 1), 0);
  return { begin, end, result: await result };
}

function errorOf({ error, calm }: Extract<ThreadAnswer, { error: Error }>): Error {
  if (!calm) return error;
  const { code, hint, location } = calm;
  return new CalmError(code, error.message, {
    ...(hint === undefined ? {} : { hint }),
    ...(location === undefined ? {} : { location }),
  });
}

/** A worker thread and what it has been asked. */
class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve(result: EncodedChunk | CountedChunk): void; reject(error: Error): void }
  >();
  #asked = 0;
  #failure: Error | undefined;

  constructor(task: ThreadTask) {
    const file = `./corpus-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`;
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: task });
    this.#worker.on('message', (answer: ThreadAnswer) => {
      const asked = this.#waiting.get(answer.number);
      this.#waiting.delete(answer.number);
      if ('error' in answer) asked?.reject(errorOf(answer));
      else asked?.resolve(answer.result);
    });
    this.#worker.on('error', (error) => {
      this.#failure = error as Error;
      for (const { reject } of this.#waiting.values()) reject(error as Error);
    });
  }

  /** Chunks that it has not answered yet. */
  get load(): number {
    return this.#waiting.size;
  }

  work(chunk: CorpusChunk, file: CorpusFile): Promise<EncodedChunk | CountedChunk> {
    if (this.#failure) return Promise.reject(this.#failure);
    const number = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      const message: ThreadMessage = { number, chunk, file };
      this.#worker.postMessage(message, 'bytes' in chunk ? [chunk.bytes.buffer] : []);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
