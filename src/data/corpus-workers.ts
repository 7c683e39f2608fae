/**
 * Reads a corpus and has its chunks worked on by threads, in order. The native tokenizer spreads its batches
 * over all
 * cores by itself; a thread of ours parses, copies ids and keeps it busy, and one does so for four cores.
 * Words are
 * counted in JavaScript, by a thread a core. Chunks of a plugin's format come parsed, as its module is not
 * loaded there.
 *
 * Ranks take the chunks in turn: each reads the corpus, works on its own, and gives what comes of it to the
 * first one, which has all of them in order.
 */

import { Worker } from 'node:worker_threads';
import { ALONE, type Cluster } from '../cluster/index.ts';
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

/** An error that has come from another thread or rank. */
export interface ToldError {
  readonly error: Error;
  /** What the error says besides its message, if it is one of ours. */
  readonly calm: Pick<CalmError, 'code' | 'hint' | 'location'> | undefined;
}

export type ThreadAnswer = { readonly number: number } & (
  | { readonly result: EncodedChunk | CountedChunk }
  | ToldError
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

/** What the first rank has the others do: a pass over the corpus from a place on, or nothing more. */
interface Pass {
  readonly task: ThreadTask;
  readonly from: CorpusPlace;
}

export class CorpusWorkers {
  readonly #files: readonly CorpusFile[];
  readonly #signal: AbortSignal;
  readonly #cluster: Cluster;

  constructor(files: readonly CorpusFile[], signal: AbortSignal, cluster: Cluster = ALONE) {
    this.#files = files;
    this.#signal = signal;
    this.#cluster = cluster;
  }

  /** On every rank but the first: helps it with its passes until there are no more. */
  async help(): Promise<void> {
    for (;;) {
      const pass = await this.#cluster.broadcast<Pass | undefined>(undefined);
      if (!pass) return;
      for await (const { error, ...chunk } of this.#pass(pass, workOf(pass.task)))
        await this.#cluster.give<GivenChunk>(error ? { error: toldError(error) } : { result: chunk.result });
    }
  }

  /** On the first: the others are not needed any more. */
  async end(): Promise<void> {
    await this.#cluster.broadcast(undefined);
  }

  /** The documents of the corpus from a place on, as token ids. */
  encode(tokenizer: Tokenizer, from: CorpusPlace): AsyncGenerator<Read<EncodedChunk>> {
    const { endOfTextId, padId, chat } = tokenizer;
    const task = { tokenizer: { json: tokenizer.toJson(), endOfTextId, padId, chat } };
    return this.#run({ task, from }, encodingWith(tokenizer)) as AsyncGenerator<Read<EncodedChunk>>;
  }

  /** The words of the corpus, counted chunk by chunk. */
  count(from: CorpusPlace = CORPUS_START): AsyncGenerator<Read<CountedChunk>> {
    return this.#run({ task: {}, from }, countChunk) as AsyncGenerator<Read<CountedChunk>>;
  }

  async *#run(pass: Pass, here: Work): AsyncGenerator<Read<EncodedChunk | CountedChunk>> {
    await this.#cluster.broadcast(pass);
    for await (const { error, ...read } of this.#pass(pass, here)) {
      if (error) throw error;
      yield read as Read<EncodedChunk | CountedChunk>;
    }
  }

  /**
   * The chunks of a pass that come to this rank: its own, and on the first one those of the others too.
   * @param here does the work on this thread, where the corpus is too small for others
   */
  async *#pass({ task, from }: Pass, here: Work): AsyncGenerator<Outcome> {
    const { rank, size } = this.#cluster;
    const bytes = this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const numThreadsWanted = task.tokenizer ? Math.ceil(numThreads() / CORES_A_THREAD) : numThreads();
    const numWorkers = bytes < WORTH_A_THREAD ? 0 : numThreadsWanted;
    const threads = Array.from({ length: numWorkers }, () => new Thread(task));
    const underWay: UnderWay[] = [];
    // Of the first rank's, each size-th is its own.
    const most = Math.max(1, numWorkers * CHUNKS_A_THREAD) * (rank === 0 ? size : 1);
    let number = 0;
    try {
      for await (const chunk of readChunks(this.#files, from)) {
        this.#signal.throwIfAborted();
        const maker = number++ % size;
        if (maker !== rank && rank > 0) continue;
        const file = elementAt(this.#files, chunk.begin.file);
        const { begin, end } = chunk;
        if (maker !== rank) underWay.push({ begin, end, make: () => this.#taken(maker) });
        else {
          const result = Promise.resolve(leastLoaded(threads)?.work(chunk, file) ?? here(chunk, file));
          // What fails while an earlier one is waited for is told when its turn comes.
          result.catch(() => {});
          underWay.push({ begin, end, make: () => result });
        }
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

  async #taken(rank: number): Promise<EncodedChunk | CountedChunk> {
    const { result, error } = await this.#cluster.take<GivenChunk>(rank);
    if (error) throw errorOf(error);
    return result as EncodedChunk | CountedChunk;
  }
}

/** A chunk that is worked on, here or elsewhere. */
interface UnderWay {
  readonly begin: CorpusPlace;
  readonly end: CorpusPlace;
  make(): Promise<EncodedChunk | CountedChunk>;
}

type Outcome = { readonly begin: CorpusPlace; readonly end: CorpusPlace } & (
  | { readonly result: EncodedChunk | CountedChunk; readonly error?: never }
  | { readonly error: Error; readonly result?: never }
);

/** What a rank gives to the first. */
interface GivenChunk {
  readonly result?: EncodedChunk | CountedChunk;
  readonly error?: ToldError;
}

function leastLoaded(threads: readonly Thread[]): Thread | undefined {
  return threads.reduce<Thread | undefined>(
    (least, other) => (least && least.load <= other.load ? least : other),
    undefined,
  );
}

async function first(underWay: UnderWay[]): Promise<Outcome> {
  const { begin, end, make } = elementAt(underWay.splice(0, 1), 0);
  try {
    return { begin, end, result: await make() };
  } catch (error) {
    return { begin, end, error: error as Error };
  }
}

/** What an error has of its own doesn't come through by itself. */
export function toldError(error: Error): ToldError {
  const calm =
    error instanceof CalmError ? { code: error.code, hint: error.hint, location: error.location } : undefined;
  return { error, calm };
}

function errorOf({ error, calm }: ToldError): Error {
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
