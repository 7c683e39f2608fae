/**
 * The safetensors format: eight bytes of header length, a JSON header { name: { dtype, shape, data_offsets }
 * }, then the raw little-endian data.
 * Read tensor by tensor into typed arrays; no tensor library is involved.
 */

import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { artifactBroken } from '../errors.ts';
import { type Shape, sizeOf } from '../shapes.ts';
import { type ElementType, elementWidth, isElementType, toNumbers } from './element-types.ts';
import { hashFile, writePiecesWhole } from './files.ts';
import { ReadOnlyFiles } from './read-only-files.ts';

/** One tensor on disk. Integers become Int32Array, everything else Float32Array. */
export interface StoredTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

/** Tensors by name: all in memory, or read from a file when they are asked for. */
export interface StoredTensors {
  has(name: string): boolean;
  get(name: string): StoredTensor | undefined;
  keys(): Iterable<string>;
}

interface HeaderEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const MAX_HEADER_BYTES = 100 * 2 ** 20;

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

type Read = (position: number, length: number) => Uint8Array<ArrayBuffer>;

function readHeader(
  read: Read,
  fileSize: number,
  file: string,
): { header: Map<string, HeaderEntry>; metadata: Record<string, string>; dataStart: number } {
  if (fileSize < 8) throw artifactBroken(file, 'it is too short for a safetensors file');
  const length = Number(Buffer.from(read(0, 8)).readBigUInt64LE(0));
  if (length > MAX_HEADER_BYTES || 8 + length > fileSize)
    throw artifactBroken(file, `its header claims ${length} bytes`);
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(Buffer.from(read(8, length)).toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    throw artifactBroken(file, 'its header is not valid JSON', error);
  }
  if (typeof parsed !== 'object' || parsed === null) throw artifactBroken(file, 'its header is no record');
  const dataStart = 8 + length;
  const names = Object.keys(parsed).filter((name) => name !== '__metadata__');
  const texts = Object.entries(parsed.__metadata__ ?? {}).filter(([, value]) => typeof value === 'string');
  return {
    metadata: Object.fromEntries(texts) as Record<string, string>,
    header: new Map(
      names.sort().map((name) => [name, checkEntry(parsed[name], name, fileSize - dataStart, file)]),
    ),
    dataStart,
  };
}

function checkEntry(value: unknown, name: string, dataSize: number, file: string): HeaderEntry {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  if (!isElementType(dtype))
    throw artifactBroken(file, `tensor "${name}" has the type ${String(dtype)}, which can't be read`);
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
    throw artifactBroken(file, `the header entry of "${name}" is incomplete`);
  const [start, end] = offsets as [number, number];
  if (end - start !== sizeOf(shape) * elementWidth(dtype) || end > dataSize)
    throw artifactBroken(file, `tensor "${name}" does not fit its shape [${shape}] or the file`);
  return { dtype, shape, data_offsets: [start, end] };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
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
 * @returns the file's SHA-256
 */
export async function writeSafetensors(
  file: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string> = {},
): Promise<string> {
  const all = [...tensors];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let offset = 0;
  for (const [name, { shape, data }] of all) {
    header[name] = {
      dtype: data instanceof Int32Array ? 'I32' : 'F32',
      shape,
      data_offsets: [offset, offset + data.byteLength],
    };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const pieces = all.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return writePiecesWhole(file, [length, padded, ...pieces]);
}
