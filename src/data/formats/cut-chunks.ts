/**
 * A file as chunks of bytes, about a megabyte each, cut where a format says. Where a chunk ends depends on
 * where it begins and on the file alone.
 */

import { FileBytes } from './file-bytes.ts';
import type { BadRecord, CorpusFile, FileChunk, FilePlace } from './format.ts';
import { CHUNK_BYTES } from './text-policy.ts';

/** Where the next chunk ends. */
export interface Cut {
  /** In bytes. 0 for a record that can't be read. */
  readonly length: number;
  /** Whether a document is cut. */
  readonly isInside: boolean;
  /** Why the record that begins here can't be read; it is passed over to the end of its line. */
  readonly problem?: string;
}

/**
 * All chunks of a file from a place on.
 * @param cut says where the next chunk ends, with more than CHUNK_BYTES held where there are so many
 * @param lineEnd the byte that ends a record which is passed over
 */
export async function* cutChunks(
  file: CorpusFile,
  from: FilePlace,
  cut: (bytes: FileBytes, offset: number) => Cut | Promise<Cut>,
  lineEnd: number,
): AsyncGenerator<FileChunk> {
  const bytes = new FileBytes(file, from.offset);
  try {
    for (let { offset } = from; await bytes.fill(CHUNK_BYTES); ) {
      const { length, isInside, problem } = await cut(bytes, offset);
      offset += problem ? await bytes.skipPast(lineEnd) : length;
      const end = { offset, isInside };
      yield problem ? { end, ...refused(problem) } : { end, bytes: bytes.take(length) };
    }
  } finally {
    bytes.close();
  }
}

function refused(problem: string): { documents: []; bad: BadRecord[]; numRecords: number } {
  return { documents: [], bad: [{ number: 1, problem }], numRecords: 1 };
}
