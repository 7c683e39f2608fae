/**
 * The safetensors format: eight bytes of header length, a JSON header { name: { dtype, shape, data_offsets }
 * }, then the raw little-endian data.
 */

import { artifactBroken } from '../errors.ts';
import { type Shape, sizeOf } from '../shapes.ts';
import { type ElementType, elementWidth, isElementType, toNumbers } from './element-types.ts';

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

export interface HeaderEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const MAX_HEADER_BYTES = 100 * 2 ** 20;

/** Bytes from a place on. */
export type Read = (position: number, length: number) => Uint8Array<ArrayBuffer>;

/**
 * Reads and checks a header.
 * @param file named in errors
 */
export function readHeader(
  read: Read,
  fileSize: number,
  file: string,
): { header: Map<string, HeaderEntry>; metadata: Record<string, string>; dataStart: number } {
  if (fileSize < 8) throw artifactBroken(file, 'it is too short for a safetensors file');
  const length = Number(new DataView(read(0, 8).slice().buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > fileSize)
    throw artifactBroken(file, `its header claims ${length} bytes`);
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(new TextDecoder().decode(read(8, length))) as Record<string, unknown>;
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

/** A file that is in memory. @param file named in errors */
export function safetensorsIn(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): StoredTensors & { file: string } {
  const { header, dataStart } = readHeader(
    (position, length) => bytes.subarray(position, position + length),
    bytes.length,
    file,
  );
  return {
    file,
    has: (name) => header.has(name),
    keys: () => header.keys(),
    get: (name) => {
      const entry = header.get(name);
      if (!entry) return undefined;
      const [start, end] = entry.data_offsets;
      // A copy, because numbers may be taken over, and begin where numbers of their width may.
      const own = bytes.slice(dataStart + start, dataStart + end);
      return { shape: entry.shape, data: toNumbers(own, entry.dtype) };
    },
  };
}
