/** Types of numbers on disk, and their way into Float32Array and Int32Array. */

import { fromHalves } from './half-precision.ts';

const WIDTHS = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;

/** Under the names that safetensors gives them. */
export type ElementType = keyof typeof WIDTHS;

export function isElementType(name: unknown): name is ElementType {
  return typeof name === 'string' && Object.hasOwn(WIDTHS, name);
}

/** Bytes a number. */
export function elementWidth(type: ElementType): number {
  return WIDTHS[type];
}

/**
 * Little-endian bytes as numbers. The bytes may be taken over without a copy: leave them alone afterwards.
 */
export function toNumbers(bytes: Uint8Array, type: ElementType): Float32Array | Int32Array {
  const { buffer, byteOffset, byteLength } = byteOffsetOf(bytes, WIDTHS[type]);
  const length = byteLength / WIDTHS[type];
  if (type === 'F32') return new Float32Array(buffer, byteOffset, length);
  if (type === 'I32') return new Int32Array(buffer, byteOffset, length);
  if (type === 'F16') return fromHalves(new Uint16Array(buffer, byteOffset, length));
  if (type === 'BF16') return fromBrainFloats(new Uint16Array(buffer, byteOffset, length));
  if (type === 'F64') return Float32Array.from(new Float64Array(buffer, byteOffset, length));
  if (type === 'I64') return Int32Array.from(new BigInt64Array(buffer, byteOffset, length), Number);
  if (type === 'I16') return Int32Array.from(new Int16Array(buffer, byteOffset, length));
  return Int32Array.from(type === 'I8' ? new Int8Array(buffer, byteOffset, length) : bytes);
}

/** bfloat16 is the upper half of a float32. */
function fromBrainFloats(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] as number) << 16;
  return new Float32Array(words.buffer);
}

/** The same bytes where an array of so wide numbers may begin. */
function byteOffsetOf(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  return (bytes.byteOffset % width === 0 ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>;
}
