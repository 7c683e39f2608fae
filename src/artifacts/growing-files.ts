/** Files that grow while a stage works, and that a stopped one goes on with at the lengths that they had when its state was saved. */

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { artifactBroken } from '../errors.ts';
import { naming } from './files.ts';

/** Bytes that a growing file holds back, so that many small pieces are one write. */
const BUFFERED_BYTES = 2 ** 20;

/** A file that grows piece by piece, and can be gone on with at any length that it once had. Errors of the disk name it. */
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

/** Records of one size over files of so many each: name-00000.bin, name-00001.bin … It can be gone on with at any number of records that it once had. */
export class ShardSeries implements Disposable {
  readonly #directory: string;
  readonly #name: string;
  readonly #recordBytes: number;
  readonly #recordsPerShard: number;
  #records: number;
  #last: GrowingFile | undefined;

  /** @param records that are there already; whatever is beyond them is cut off or removed */
  constructor(
    directory: string,
    name: string,
    size: { readonly recordBytes: number; readonly recordsPerShard: number },
    records = 0,
  ) {
    this.#directory = directory;
    this.#name = name;
    this.#recordBytes = size.recordBytes;
    this.#recordsPerShard = size.recordsPerShard;
    this.#records = records;
    for (let beyond = this.#count; existsSync(this.#path(beyond)); beyond++) rmSync(this.#path(beyond));
    if (records > 0) this.#last = this.#open(this.#count - 1);
  }

  get records(): number {
    return this.#records;
  }

  get #count(): number {
    return Math.ceil(this.#records / this.#recordsPerShard);
  }

  /** What the index says of the files. */
  get shards(): { file: string; records: number }[] {
    return Array.from({ length: this.#count }, (_, i) => ({
      file: this.#fileName(i),
      records: this.#recordsIn(i),
    }));
  }

  /** Appends whole records. */
  append(array: ArrayBufferView): void {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let done = 0; done < bytes.length; ) {
      const inShard = this.#records % this.#recordsPerShard;
      if (inShard === 0) {
        this.#last?.close();
        this.#last = this.#open(this.#count);
      }
      const part = bytes.subarray(done, done + (this.#recordsPerShard - inShard) * this.#recordBytes);
      (this.#last as GrowingFile).append(part);
      this.#records += part.length / this.#recordBytes;
      done += part.length;
    }
  }

  sync(): void {
    this.#last?.sync();
  }

  close(): void {
    this.#last?.close();
    this.#last = undefined;
  }

  /** Closes the last file where it is still open; what it holds back is lost. */
  [Symbol.dispose](): void {
    this.#last?.[Symbol.dispose]();
  }

  #recordsIn(shard: number): number {
    return Math.max(0, Math.min(this.#recordsPerShard, this.#records - shard * this.#recordsPerShard));
  }

  #open(shard: number): GrowingFile {
    return new GrowingFile(this.#path(shard), this.#recordsIn(shard) * this.#recordBytes);
  }

  #path(shard: number): string {
    return join(this.#directory, this.#fileName(shard));
  }

  #fileName(shard: number): string {
    return `${this.#name}-${String(shard).padStart(5, '0')}.bin`;
  }
}
