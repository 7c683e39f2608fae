/** The ways in which files of a corpus may be packed. A further one is a line here: a stream that unpacks. */

import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Compression } from './format.ts';

/** So many bytes come out of a stream at once. */
const UNPACKED_BYTES = 2 ** 20;

export const COMPRESSIONS: readonly Compression[] = [
  {
    name: 'gzip',
    endings: ['gz', 'gzip'],
    command: 'gzip -dc',
    recognises: (head) => head[0] === 0x1f && head[1] === 0x8b,
    unpack: () => createGunzip({ chunkSize: UNPACKED_BYTES }),
  },
];

export function compressionOf(head: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find(({ recognises }) => recognises(head));
}

/** A file's name without the endings of compressions. */
export function unpackedName(name: string): string {
  const ending = COMPRESSIONS.flatMap(({ endings }) => endings).find((one) =>
    name.toLowerCase().endsWith(`.${one}`),
  );
  return ending ? name.slice(0, -ending.length - 1) : name;
}

/**
 * What the beginning of a packed file unpacks to. What is damaged is told when it is read.
 * @param most bytes that are wanted
 */
export async function unpackedHead(
  head: Uint8Array,
  { unpack }: Compression,
  most: number,
): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }> {
  const stream = unpack();
  const pieces: Buffer[] = [];
  let length = 0;
  stream.on('data', (piece: Buffer) => {
    pieces.push(piece);
    length += piece.length;
    if (length > most) stream.destroy();
  });
  stream.end(head);
  const isWhole = await finished(stream).then(
    () => length <= most,
    () => false,
  );
  return { bytes: Buffer.concat(pieces).subarray(0, most), isWhole };
}
