/** Mutations of bytes and of JSON, each a function of a seed alone. */

import type { RandomStream } from '../../../src/random.ts';

/** Values that have broken parsers before. */
const JUNK = [
  null,
  true,
  false,
  -1,
  0,
  1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
  -0.5,
  '',
  '../../../etc/passwd',
  '/etc/passwd',
  '..\\..\\x',
  'x'.repeat(5000),
  '\u0000',
  '\ud800',
  [],
  {},
  [[]],
  [null],
  { __proto__: null },
  '__proto__',
  'constructor',
  'NaN',
  '1e999',
  '<|endoftext|>',
  '(a+)+$',
  '\\p{',
];

/** Changes some bytes: flips, overwrites, cuts, doubles, moves. */
export function mutateBytes(bytes: Uint8Array, stream: RandomStream): Uint8Array {
  let out = Buffer.from(bytes);
  for (let left = 1 + stream.nextInteger(4); left > 0; left--) {
    const at = stream.nextInteger(Math.max(1, out.length));
    const length = 1 + stream.nextInteger(Math.min(64, Math.max(1, out.length - at)));
    const piece = out.subarray(at, at + length);
    const noise = Buffer.from(Array.from({ length }, () => stream.nextInteger(256)));
    switch (stream.nextInteger(8)) {
      case 0:
        if (out.length > 0) out[at] ^= 1 << stream.nextInteger(8);
        break;
      case 1:
        out.set(noise.subarray(0, piece.length), at);
        break;
      case 2:
        out = out.subarray(0, at);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), piece, out.subarray(at)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 5:
        out = Buffer.concat([out.subarray(0, at), noise, out.subarray(at)]);
        break;
      case 6:
        // A number in the text, or eight bytes of a header, become extreme.
        if (out.length > 0) out.fill([0x39, 0xff, 0x00][stream.nextInteger(3)], at, at + Math.min(8, length));
        break;
      default:
        out = Buffer.concat([out.subarray(at), out.subarray(0, at)]);
    }
  }
  return out;
}

/** Replaces, removes, renames or doubles something somewhere in plain data. */
export function mutateData(data: unknown, stream: RandomStream): unknown {
  const copy = structuredClone(data);
  for (let left = 1 + stream.nextInteger(3); left > 0; left--) mutateOne(copy, stream);
  return stream.nextInteger(50) === 0 ? JUNK[stream.nextInteger(JUNK.length)] : copy;
}

function mutateOne(data: unknown, stream: RandomStream): void {
  const holders: Record<string, unknown>[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || holders.length > 2000) return;
    holders.push(value as Record<string, unknown>);
    for (const inner of Object.values(value)) collect(inner);
  };
  collect(data);
  if (holders.length === 0) return;
  const holder = holders[stream.nextInteger(holders.length)];
  const keys = Object.keys(holder);
  const key = keys[stream.nextInteger(Math.max(1, keys.length))] ?? 'x';
  const junk = structuredClone(JUNK[stream.nextInteger(JUNK.length)]);
  switch (stream.nextInteger(6)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      // A number would make a list of billions.
      holder[`${JSON.stringify(junk)}!`] = holder[key];
      break;
    case 2:
      if (typeof holder[key] === 'number')
        holder[key] = [
          -(holder[key] as number),
          (holder[key] as number) * 1e9,
          (holder[key] as number) + 0.5,
        ][stream.nextInteger(3)];
      else holder[key] = junk;
      break;
    case 3:
      holder[key] = nested(stream.nextInteger(200));
      break;
    default:
      holder[key] = junk;
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}
