/** Files at rest in one folder: each is opened when it is read, and the last few that were read stay open. */

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { artifactBroken, artifactMissing } from '../errors.ts';
import { readBytes } from './files.ts';

/** A process may have 256 files open on macOS, 1024 on Linux, and a stage reads up to three artifacts. */
const MOST_OPEN = 32;

export class ReadOnlyFiles implements Disposable {
  readonly #directory: string;
  #capacity: number;
  /** By name, the one that was read last at the end. */
  readonly #handles = new Map<string, number>();

  /** @param capacity how many files stay open between reads */
  constructor(directory: string, capacity = MOST_OPEN) {
    this.#directory = directory;
    this.#capacity = capacity;
  }

  path(file: string): string {
    return join(this.#directory, file);
  }

  /** Bytes [position, position + length) of a file. @param expectedBytes the size that it must have */
  read(file: string, position: number, length: number, expectedBytes?: number): Uint8Array<ArrayBuffer> {
    const handle = this.#open(file, expectedBytes);
    try {
      return readBytes(handle, position, length, this.path(file));
    } finally {
      this.#closeAllBut(this.#capacity);
    }
  }

  size(file: string): number {
    const handle = this.#open(file);
    try {
      return fstatSync(handle).size;
    } finally {
      this.#closeAllBut(this.#capacity);
    }
  }

  /** Closes every file. One that is read again is opened again. */
  close(): void {
    this.#closeAllBut(0);
  }

  /**
   * As `close`, for good: a read that comes later all the same, of a batch drawn ahead, leaves nothing open.
   */
  [Symbol.dispose](): void {
    this.#capacity = 0;
    this.close();
  }

  #open(file: string, expectedBytes?: number): number {
    const opened = this.#handles.get(file);
    const handle = opened ?? openChecked(this.path(file), expectedBytes);
    this.#handles.delete(file);
    this.#handles.set(file, handle);
    return handle;
  }

  #closeAllBut(count: number): void {
    for (const [file, handle] of this.#handles) {
      if (this.#handles.size <= count) return;
      this.#handles.delete(file);
      closeSync(handle);
    }
  }
}

function openChecked(path: string, expectedBytes: number | undefined): number {
  const handle = openExisting(path);
  try {
    const { size } = fstatSync(handle);
    if (expectedBytes !== undefined && size !== expectedBytes) throw wrongSize(path, size, expectedBytes);
    return handle;
  } catch (error) {
    closeSync(handle);
    throw error;
  }
}

function openExisting(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? artifactMissing(path) : error;
  }
}

/** Refuses a file that is missing or of another size. */
export function checkedSize(path: string, expectedBytes: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw artifactMissing(path);
  if (found.size !== expectedBytes) throw wrongSize(path, found.size, expectedBytes);
}

function wrongSize(path: string, found: number, expected: number) {
  return artifactBroken(path, `it has ${found} bytes instead of ${expected}`);
}
