/**
 * Files of the safetensors format, read tensor by tensor into typed arrays; no tensor library is involved.
 */

import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { artifactBroken } from '../errors.ts';
import type { Shape } from '../shapes.ts';
import { toNumbers } from './element-types.ts';
import { hashFile, writePiecesWhole } from './files.ts';
import { LARGEST_HALF, toHalves } from './half-precision.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import {
  type HeaderEntry,
  type Read,
  readHeader,
  type StoredTensor,
  type StoredTensors,
} from './safetensors-header.ts';

export type { StoredTensor, StoredTensors };

/** A file whose header was read and checked; each tensor is read when it is asked for. */
export class SafetensorsFile implements StoredTensors, Disposable {
  readonly file: string;
  /** What `writeSafetensors` was given as metadata; what is no text is left out. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #files: ReadOnlyFiles;
  readonly #header: ReadonlyMap<string, HeaderEntry>;
  readonly #dataStart: number;

  /**
   * Opens a file. Broken ones are errors that say what is wrong.
   * @param files of its folder, where several share them
   */
  constructor(file: string, files = new ReadOnlyFiles(dirname(file))) {
    this.file = file;
    this.#files = files;
    try {
      const { header, metadata, dataStart } = readHeader(this.#read, this.#files.size(basename(file)), file);
      this.metadata = metadata;
      this.#header = header;
      this.#dataStart = dataStart;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#header.has(name);
  }

  keys(): Iterable<string> {
    return this.#header.keys();
  }

  shapeOf(name: string): Shape | undefined {
    return this.#header.get(name)?.shape;
  }

  get(name: string): StoredTensor | undefined {
    const entry = this.#header.get(name);
    if (!entry) return undefined;
    const [start, end] = entry.data_offsets;
    return {
      shape: entry.shape,
      data: toNumbers(this.#read(this.#dataStart + start, end - start), entry.dtype),
    };
  }

  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  readonly #read: Read = (position, length) => this.#files.read(basename(this.file), position, length);
}

/**
 * Reads every tensor of a file, in the order of their names.
 * @param sha256 the hash that it must have, where one is known
 */
export async function readSafetensors(file: string, sha256?: string): Promise<Map<string, StoredTensor>> {
  if (sha256 !== undefined && existsSync(file) && (await hashFile(file)) !== sha256)
    throw artifactBroken(file, 'its contents have changed since it was written');
  const opened = new SafetensorsFile(file);
  try {
    return new Map([...opened.keys()].map((name) => [name, opened.get(name) as StoredTensor]));
  } finally {
    opened.close();
  }
}

/**
 * Writes tensors whole or not at all, one after the other.
 * @param metadata a flat map of strings, as the format wants
 * @param precision of numbers that are no integers; a tensor that half precision can't hold stays as it is
 * @returns the file's SHA-256
 */
export async function writeSafetensors(
  file: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string> = {},
  precision: 'f32' | 'f16' = 'f32',
): Promise<string> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let offset = 0;
  const all = Array.from(tensors, ([name, { shape, data: given }]) => {
    const data = precision === 'f16' && given instanceof Float32Array ? halvesOf(given) : given;
    const dtype = data instanceof Int32Array ? 'I32' : data instanceof Uint16Array ? 'F16' : 'F32';
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
    return data;
  });
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const pieces = all.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return writePiecesWhole(file, [length, padded, ...pieces]);
}

function halvesOf(values: Float32Array): Uint16Array | Float32Array {
  return values.every((value) => Math.abs(value) <= LARGEST_HALF) ? toHalves(values) : values;
}
