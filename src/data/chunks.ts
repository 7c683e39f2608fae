/**
 * A corpus as chunks of bytes, about a megabyte each, cut where documents end or, inside a long one, where no word is cut. Where a chunk ends depends on where it
 * begins and on the file alone, so a reader that starts again at any chunk's end sees the same chunks.
 */

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { corpusFileBroken, messageOf } from '../errors.ts';
import type { CorpusFile, DocumentKind } from './corpus.ts';

/** How far a reader is. Offsets are of what a .gz holds. */
export interface CorpusPlace {
  /** Which file of the list. */
  readonly file: number;
  readonly offset: number;
  /** Whether a document that began before goes on here. */
  readonly isInside: boolean;
}

export const CORPUS_START: CorpusPlace = { file: 0, offset: 0, isInside: false };

export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly begin: CorpusPlace;
  /** Where the next chunk begins. */
  readonly end: CorpusPlace;
  /** A line of JSON that is longer than may be held; its bytes are not here. */
  readonly isTooLong: boolean;
}

export const CHUNK_BYTES = 2 ** 20;
/** A longer line of JSON is not read: it must be parsed as one. */
export const LONGEST_JSON_LINE = 64 * CHUNK_BYTES;
/** How far back from the end of a chunk a space is preferred to a line's end. */
const SPACE_WITHIN = 2 ** 16;

/** All chunks from a place on. */
export async function* readChunks(
  files: readonly CorpusFile[],
  from: CorpusPlace = CORPUS_START,
): AsyncGenerator<Chunk> {
  for (let file = from.file; file < files.length; file++)
    yield* chunksOf(files[file], file === from.file ? from : { ...CORPUS_START, file });
}

async function* chunksOf(file: CorpusFile, from: CorpusPlace): AsyncGenerator<Chunk> {
  const { documents } = file;
  const window = new Window(file, from.offset);
  try {
    for (let begin = from; await window.fill(CHUNK_BYTES); ) {
      const { length, isInside, isTooLong = false } = await cut(window, documents);
      const end = { ...begin, offset: begin.offset + length, isInside };
      if (!isTooLong) yield { bytes: window.take(length), begin, end, isTooLong };
      else {
        const skipped = await window.skipLine();
        end.offset = begin.offset + skipped;
        yield { bytes: new Uint8Array(), begin, end, isTooLong };
      }
      begin = end;
    }
  } finally {
    window.close();
  }
}

interface Cut {
  readonly length: number;
  readonly isInside: boolean;
  readonly isTooLong?: boolean;
}

async function cut(window: Window, documents: DocumentKind): Promise<Cut> {
  if (window.isAll(CHUNK_BYTES)) return { length: window.length, isInside: false };
  const bytes = window.view(CHUNK_BYTES);
  const length = lastEnd(bytes, documents);
  if (length > 0) return { length, isInside: false };
  if (documents === 'json-line') return cutLongLine(window);
  return { length: safeCut(bytes), isInside: true };
}

/** A line of JSON that is longer than a chunk. */
async function cutLongLine(window: Window): Promise<Cut> {
  for (let size = 2 * CHUNK_BYTES; size <= LONGEST_JSON_LINE; size *= 2) {
    await window.fill(size);
    const end = window.view(size).indexOf(NEWLINE) + 1;
    if (end > 0) return { length: end, isInside: false };
    if (window.isAll(size)) return { length: window.length, isInside: false };
  }
  return { length: 0, isInside: false, isTooLong: true };
}

const [NEWLINE, RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/** After the last document that ends in these bytes; 0 where none does. */
function lastEnd(bytes: Uint8Array, documents: DocumentKind): number {
  if (documents === 'file') return 0;
  if (documents !== 'paragraph') return bytes.lastIndexOf(NEWLINE) + 1;
  for (let at = bytes.lastIndexOf(NEWLINE); at > 0; at = bytes.lastIndexOf(NEWLINE, at - 1)) {
    if (bytes[at - 1] === NEWLINE || (bytes[at - 1] === RETURN && bytes[at - 2] === NEWLINE)) return at + 1;
  }
  return 0;
}

/**
 * Where a long document is cut: before a single space between inks, which tokenizers give to the word after it; failing that, after a newline between inks; failing
 * that, between two characters.
 */
function safeCut(bytes: Uint8Array): number {
  const isBetweenInks = (at: number) => isInkBefore(bytes, at) && isInkAt(bytes, at + 1);
  const cutAt = (at: number, lowest: number) => {
    for (let i = at; i > lowest; i--) if (bytes[i] === SPACE && isBetweenInks(i)) return i;
    return 0;
  };
  const [last, near] = [bytes.length - 5, Math.max(0, bytes.length - SPACE_WITHIN)];
  const space = cutAt(last, near);
  if (space) return space;
  for (let i = last; i > 0; i--) {
    if (bytes[i] === NEWLINE && isBetweenInks(i)) return i + 1;
    if (bytes[i] === SPACE && isBetweenInks(i)) return i;
  }
  let between = bytes.length - 1;
  while (between > bytes.length - 4 && (bytes[between] & 0xc0) === 0x80) between--;
  // The two characters of one line end stay together.
  return bytes[between - 1] === RETURN && bytes[between] === NEWLINE ? between - 1 : between;
}

function isInkBefore(bytes: Uint8Array, at: number): boolean {
  let start = at - 1;
  while (start > at - 4 && (bytes[start] & 0xc0) === 0x80) start--;
  return isInkAt(bytes, start);
}

/** Whether a character that can be seen begins here. Of those beyond ASCII, all are taken whose first bytes no white space has. */
function isInkAt(bytes: Uint8Array, at: number): boolean {
  const [first, second] = [bytes[at], bytes[at + 1]];
  if (first < 0x80) return first > SPACE && first < 0x7f;
  return (
    first >= 0xc3 &&
    first !== 0xe1 &&
    first !== 0xe2 &&
    !(first === 0xe3 && second === 0x80) &&
    first !== 0xef
  );
}

/** The next bytes of a file, held as far as they were asked for. */
class Window {
  readonly #path: string;
  readonly #stream: Readable;
  readonly #pieces: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #isOver = false;
  #toSkip: number;

  constructor({ path, isGzip }: CorpusFile, offset: number) {
    this.#path = path;
    // What was seen of a .gz before is unpacked again; it can't be entered in the middle.
    const file = createReadStream(path, { start: isGzip ? 0 : offset, highWaterMark: CHUNK_BYTES });
    this.#toSkip = isGzip ? offset : 0;
    this.#stream = isGzip
      ? file
          .on('error', (error) => this.#stream.destroy(error))
          .pipe(createGunzip({ chunkSize: CHUNK_BYTES }))
      : file;
    this.#pieces = this.#stream[Symbol.asyncIterator]();
  }

  get length(): number {
    return this.#held.length;
  }

  /** Holds at least so many bytes, if there are. @returns whether there are any */
  async fill(size: number): Promise<boolean> {
    const pieces = [this.#held];
    let length = this.#held.length;
    while (length <= size && !this.#isOver) {
      const piece = await this.#next();
      if (piece) {
        pieces.push(piece);
        length += piece.length;
      }
    }
    if (pieces.length > 1) this.#held = Buffer.concat(pieces);
    return this.#held.length > 0;
  }

  /** Whether the rest of the file is held and not longer than this. */
  isAll(size: number): boolean {
    return this.#isOver && this.#held.length <= size;
  }

  view(size: number): Uint8Array {
    return this.#held.subarray(0, size);
  }

  /** Hands bytes out, in memory of their own. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
    return taken;
  }

  /** Passes over the rest of a line without holding it. @returns how many bytes it has */
  async skipLine(): Promise<number> {
    for (let skipped = 0; ; ) {
      const end = this.#held.indexOf(NEWLINE) + 1;
      const length = end > 0 ? end : this.#held.length;
      skipped += length;
      this.#held = this.#held.subarray(length);
      if (end > 0 || !(await this.fill(1))) return skipped;
    }
  }

  close(): void {
    this.#stream.destroy();
  }

  async #next(): Promise<Buffer | undefined> {
    let found: IteratorResult<Buffer>;
    try {
      found = await this.#pieces.next();
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // zlib's words of a damaged .gz; errors of the disk are for the runner to tell.
      throw code.startsWith('Z_')
        ? corpusFileBroken(this.#path, messageOf(error), error)
        : Object.assign(error as Error, { path: this.#path });
    }
    if (found.done) {
      this.#isOver = true;
      return undefined;
    }
    const skipped = Math.min(this.#toSkip, found.value.length);
    this.#toSkip -= skipped;
    return found.value.subarray(skipped);
  }
}
