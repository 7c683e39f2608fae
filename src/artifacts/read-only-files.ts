/** Shards at rest: opened when they are read for the first time, and read at any place. */

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { artifactBroken, artifactMissing } from '../errors.ts';
import { readBytes } from './files.ts';

export class ReadOnlyFiles {
  readonly #directory: string;
  readonly #handles = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(file: string): string {
    return join(this.#directory, file);
  }

  /** Bytes [position, position + length) of a file. @param expectedBytes the size that it must have */
  read(file: string, position: number, length: number, expectedBytes?: number): Uint8Array<ArrayBuffer> {
    const path = this.path(file);
    let handle = this.#handles.get(file);
    if (handle === undefined) {
      handle = openSync(path, 'r');
      this.#handles.set(file, handle);
      const { size } = fstatSync(handle);
      if (expectedBytes !== undefined && size !== expectedBytes) throw wrongSize(path, size, expectedBytes);
    }
    return readBytes(handle, position, length, path);
  }

  close(): void {
    for (const handle of this.#handles.values()) closeSync(handle);
    this.#handles.clear();
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
