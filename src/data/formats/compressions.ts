/** The ways in which files of a corpus may be packed. A further one is a line here: a stream that unpacks. */

import { createRequire } from 'node:module';
import { Transform, type TransformCallback } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Compression } from './format.ts';
import { HAS_ZSTD, ZstdFrames } from './zstd.ts';

/** So many bytes come out of a stream at once. */
const UNPACKED_BYTES = 2 ** 20;

export const COMPRESSIONS: readonly Compression[] = [
  {
    name: 'gzip',
    endings: ['gz', 'gzip'],
    command: 'gzip -dc',
    headBytes: 2 ** 12,
    recognises: (head) => head[0] === 0x1f && head[1] === 0x8b,
    unpack: () => createGunzip({ chunkSize: UNPACKED_BYTES }),
  },
  {
    name: 'zstd',
    endings: ['zst', 'zstd'],
    command: 'zstd -dc --long=31',
    ...(HAS_ZSTD ? {} : { missing: 'Node 22.15 or newer' }),
    // A block, which comes out as a whole.
    headBytes: 2 ** 18,
    recognises: (head) => startsWith(head, '28b52ffd') || /^5.2a4d18/.test(hexOf(head.subarray(0, 4))),
    unpack: () => new ZstdFrames(UNPACKED_BYTES),
  },
  {
    name: 'bzip2',
    endings: ['bz2', 'bzip2'],
    command: 'bzip2 -dc',
    headBytes: 2 ** 20,
    // A block, or the end of an empty file.
    recognises: (head) =>
      startsWith(head, '425a68') && /^(314159265359|177245385090)/.test(hexOf(head.subarray(4, 10))),
    unpack: unpackBzip2,
  },
];

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const startsWith = (head: Uint8Array, hex: string) => hexOf(head.subarray(0, hex.length / 2)) === hex;

/** The library's stream is of an old kind, and gives what it unpacks while it is written to. */
function unpackBzip2(): Transform {
  const library = createRequire(import.meta.url)('unbzip2-stream') as typeof import('unbzip2-stream');
  const unpacking = library() as NodeJS.ReadWriteStream;
  let problem: Error | undefined;
  // What was unpacked before a problem comes out first.
  const goOn = (done: TransformCallback) => (problem ? setImmediate(done, problem) : done());
  const stream = new Transform({
    transform(packed: Buffer, _, done) {
      unpacking.write(packed);
      goOn(done);
    },
    flush(done) {
      unpacking.end();
      goOn(done);
    },
  });
  unpacking.on('data', (piece: Buffer) => stream.push(piece));
  unpacking.on('error', (error) => {
    // Of a file that is cut short, its own error is about its code.
    problem = error instanceof TypeError ? new Error('it ends in the middle of a block') : error;
  });
  return stream;
}

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
