/**
 * The safetensors format: eight bytes of header length, a JSON header { name: { dtype, shape, data_offsets } }, then the raw little-endian data.
 * Read into typed arrays; no tensor library is involved.
 */

import { readFile } from 'node:fs/promises';
import { artifactBroken, artifactMissing } from '../errors.ts';
import { type Shape, sizeOf } from '../shapes.ts';
import { writeFileWhole } from './files.ts';

/** One tensor on disk. Integers become Int32Array (I32, U8), everything else Float32Array. */
export interface StoredTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

export type StoredTensors = Map<string, StoredTensor>;

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

const BYTES = { F32: 4, I32: 4, U8: 1 } as const;
const MAX_HEADER_BYTES = 100 * 2 ** 20;

/** Reads every tensor of a file, in the order of their names. Broken files are errors that say what is wrong. */
export async function readSafetensors(file: string): Promise<StoredTensors> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? artifactMissing(file) : error;
  });
  const { header, dataStart } = parseHeader(bytes, file);
  const tensors: StoredTensors = new Map();
  for (const name of Object.keys(header).sort()) {
    if (name !== '__metadata__') tensors.set(name, readTensor(bytes, dataStart, header[name], name, file));
  }
  return tensors;
}

function parseHeader(bytes: Buffer, file: string): { header: Record<string, HeaderEntry>; dataStart: number } {
  if (bytes.length < 8) throw artifactBroken(file, 'it is too short for a safetensors file');
  const length = Number(bytes.readBigUInt64LE(0));
  if (length > MAX_HEADER_BYTES || 8 + length > bytes.length) throw artifactBroken(file, `its header claims ${length} bytes`);
  try {
    return { header: JSON.parse(bytes.toString('utf8', 8, 8 + length)), dataStart: 8 + length };
  } catch (error) {
    throw artifactBroken(file, 'its header is not valid JSON', error);
  }
}

function readTensor(bytes: Buffer, dataStart: number, entry: HeaderEntry, name: string, file: string): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const width = BYTES[dtype as keyof typeof BYTES];
  if (!width) throw artifactBroken(file, `tensor "${name}" has the type ${dtype}; F32, I32 and U8 can be read`);
  if (!Array.isArray(shape) || !Array.isArray(offsets)) throw artifactBroken(file, `the header entry of "${name}" is incomplete`);
  const [start, end] = [dataStart + offsets[0], dataStart + offsets[1]];
  if (end - start !== sizeOf(shape) * width || start < dataStart || end > bytes.length) {
    throw artifactBroken(file, `tensor "${name}" does not fit its shape [${shape}] or the file`);
  }
  const slice = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end) as ArrayBuffer;
  if (dtype === 'U8') return { shape, data: Int32Array.from(new Uint8Array(slice)) };
  return { shape, data: dtype === 'I32' ? new Int32Array(slice) : new Float32Array(slice) };
}

/** Writes tensors whole or not at all. `metadata` is a flat map of strings, as the format wants. */
export async function writeSafetensors(file: string, tensors: Iterable<readonly [string, StoredTensor]>, metadata: Record<string, string> = {}): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: data instanceof Int32Array ? 'I32' : 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFileWhole(file, Buffer.concat([length, padded, ...chunks]));
}
