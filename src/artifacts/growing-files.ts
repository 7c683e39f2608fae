/**
 * Files that grow while a stage works, and that a resumed one continues at the lengths that they had when its
 * state was saved.
 */

import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { artifactBroken } from '../errors.ts';
import { naming } from './files.ts';

/** Bytes that a growing file holds back, so that many small pieces are one write. */
const BUFFERED_BYTES = 2 ** 20;

/**
 * A file that grows piece by piece, and can be continued at any length that it once had. Errors of the disk
 * name it.
 */
export class GrowingFile implements Disposable {
  readonly #file: string;
  readonly #handle: number;
  #isOpen = true;
  readonly #buffer = new Uint8Array(BUFFERED_BYTES);
  #buffered = 0;
  #length: number;

  /** @param length in bytes; what a file that is there has beyond them is cut off */
  constructor(file: string, length = 0) {
    this.#file = file;
    this.#length = length;
    this.#handle = openSync(file, existsSync(file) ? 'r+' : 'w');
    try {
      const found = fstatSync(this.#handle).size;
      if (found < length) throw artifactBroken(file, `it has ${found} bytes and once had ${length}`);
      naming(file, () => ftruncateSync(this.#handle, length));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** In bytes, what is held back included. */
  get length(): number {
    return this.#length;
  }

  append(array: ArrayBufferView): void {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    if (this.#buffered + bytes.length > BUFFERED_BYTES) this.flush();
    if (bytes.length > BUFFERED_BYTES) this.#write(bytes, this.#length);
    else {
      this.#buffer.set(bytes, this.#buffered);
      this.#buffered += bytes.length;
    }
    this.#length += bytes.length;
  }

  flush(): void {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#write(bytes, this.#length - this.#buffered);
    this.#buffered = 0;
  }

  /** What was appended so far survives a power cut. */
  sync(): void {
    this.flush();
    naming(this.#file, () => fsyncSync(this.#handle));
  }

  /** Syncs and closes. */
  close(): void {
    try {
      if (this.#isOpen) this.sync();
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Closes the file where it is still open; what is held back is lost. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#handle);
  }

  #write(bytes: Uint8Array, position: number): void {
    // The number of a closed file may be another file's by now.
    if (!this.#isOpen) throw new Error(`${this.#file} is closed`);
    naming(this.#file, () => {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#handle, bytes, done, bytes.length - done, position + done);
    });
  }
}
