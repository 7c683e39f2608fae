/** The bytes of a file of a corpus from a place on, unpacked, held as far as they were asked for. */

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { corpusFileBroken, messageOf } from '../../errors.ts';
import { COMPRESSIONS } from './compressions.ts';
import type { CorpusFile } from './format.ts';

const READ_BYTES = 2 ** 20;

export class FileBytes {
  readonly #path: string;
  readonly #stream: Readable;
  readonly #pieces: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #isOver = false;
  #toSkip: number;

  /** @param offset of the first byte, as unpacked */
  constructor({ path, compression }: Pick<CorpusFile, 'path' | 'compression'>, offset = 0) {
    const packing = COMPRESSIONS.find(({ name }) => name === compression);
    this.#path = path;
    // What was seen of a packed file before is unpacked again; it can't be entered in the middle.
    const file = createReadStream(path, { start: packing ? 0 : offset, highWaterMark: READ_BYTES });
    this.#toSkip = packing ? offset : 0;
    this.#stream = packing
      ? file.on('error', (error) => this.#stream.destroy(error)).pipe(packing.unpack())
      : file;
    this.#pieces = this.#stream[Symbol.asyncIterator]();
  }

  /** How many bytes are held. */
  get length(): number {
    return this.#held.length;
  }

  /** Holds more than so many bytes, if there are. @returns whether there are any */
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

  /** At most so many of the bytes that are held, without taking them. */
  view(size: number): Uint8Array {
    return this.#held.subarray(0, size);
  }

  /** Hands held bytes out, in memory of their own. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
    return taken;
  }

  /**
   * The next bytes, exactly so many; undefined at the end of the file. A file that ends in the middle is an
   * error.
   */
  async read(length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (length === 0) return new Uint8Array();
    if (!(await this.fill(length))) return undefined;
    if (this.#held.length >= length) return this.take(length);
    throw corpusFileBroken(this.#path, 'it ends in the middle of a record');
  }

  /** Passes over bytes up to and with one of this value, without holding them. @returns how many */
  async skipPast(byte: number): Promise<number> {
    for (let skipped = 0; ; ) {
      const end = this.#held.indexOf(byte) + 1;
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
      // Errors of the disk are for the runner to tell; others are of what unpacks.
      if ((error as NodeJS.ErrnoException).syscall) throw Object.assign(error as Error, { path: this.#path });
      throw corpusFileBroken(this.#path, `it can't be unpacked: ${messageOf(error)}`, error);
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
