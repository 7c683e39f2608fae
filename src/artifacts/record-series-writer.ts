/**
 * Writes a series of records (`record-series.ts`), and can be resumed at any number of records that it once
 * had.
 */

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GrowingFile } from './growing-files.ts';

export interface RecordSize {
  readonly recordBytes: number;
  readonly recordsPerShard: number;
}

export class RecordSeriesWriter implements Disposable {
  readonly #directory: string;
  readonly #name: string;
  readonly #recordBytes: number;
  readonly #recordsPerShard: number;
  #records: number;
  #last: GrowingFile | undefined;

  /** @param records that are there already; whatever is beyond them is cut off or removed */
  constructor(directory: string, name: string, { recordBytes, recordsPerShard }: RecordSize, records = 0) {
    this.#directory = directory;
    this.#name = name;
    this.#recordBytes = recordBytes;
    this.#recordsPerShard = recordsPerShard;
    this.#records = records;
    for (let beyond = this.#count; existsSync(this.#path(beyond)); beyond++) rmSync(this.#path(beyond));
    if (records > 0) this.#last = this.#open(this.#count - 1);
  }

  get records(): number {
    return this.#records;
  }

  /** What the index says of the files. @param unit what a record is called */
  shards<Unit extends string>(unit: Unit): ({ file: string } & Record<Unit, number>)[] {
    return Array.from(
      { length: this.#count },
      (_, i) => ({ file: fileNameOf(this.#name, i), [unit]: this.#recordsIn(i) }) as never,
    );
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

  /** The next records are there, in files of their own (`newShard`). */
  adopt(records: number): void {
    this.close();
    this.#records += records;
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

  get #count(): number {
    return Math.ceil(this.#records / this.#recordsPerShard);
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
    return fileNameOf(this.#name, shard);
  }
}

/** Begins a file of a series by itself, for those that write several at a time; `adopt` counts its records. */
export function newShard(directory: string, name: string, shard: number): GrowingFile {
  return new GrowingFile(join(directory, fileNameOf(name, shard)));
}

function fileNameOf(name: string, shard: number): string {
  return `${name}-${String(shard).padStart(5, '0')}.bin`;
}
