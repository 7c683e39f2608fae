/**
 * The rows of a Parquet table with several of its columns, by hyparquet: documents of fields. A row group is
 * unpacked at a time, of the columns that are needed alone.
 */

import { open } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { documentOf, Gathered, Lack, neededFields } from './fields.ts';
import type { CorpusFile, FileChunk, FilePlace } from './format.ts';

const ROWS_A_CHUNK = 4096;

/** Where a reader begins: a row of a row group. */
interface RowPlace {
  readonly group: number;
  readonly row: number;
}

/** @param metadata of the file, which has the columns that are needed */
export async function* readRows(
  file: CorpusFile,
  from: FilePlace,
  metadata: FileMetaData,
  compressors: Compressors,
): AsyncGenerator<FileChunk> {
  const { parquetReadObjects } = await import('hyparquet');
  const begin = (from.state ?? { group: 0, row: 0 }) as RowPlace;
  let { offset } = from;
  let before = 0;
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const numRows = Number(num_rows);
    const range = { rowStart: before, rowEnd: before + numRows };
    before += numRows;
    if (group < begin.group || numRows === 0) continue;
    const columns = [...new Set(neededFields(file))];
    const rows = await withBuffer(file.path, (buffer) =>
      parquetReadObjects({ file: buffer, metadata, columns, compressors, ...range }),
    );
    for (let row = group === begin.group ? begin.row : 0; row < numRows; row += ROWS_A_CHUNK) {
      const end = Math.min(numRows, row + ROWS_A_CHUNK);
      const done = (before - numRows + end) / Number(metadata.num_rows);
      offset = Math.max(offset + 1, Math.floor(file.sizeBytes * done));
      const state: RowPlace = end === numRows ? { group: group + 1, row: 0 } : { group, row: end };
      yield { ...gathered(rows.slice(row, end), file).chunk(end - row), end: { offset, state } };
    }
  }
}

function gathered(rows: readonly Record<string, unknown>[], file: CorpusFile): Gathered {
  const found = new Gathered();
  for (const [i, row] of rows.entries())
    found.add(
      i + 1,
      documentOf(file, (field) => row[field] ?? new Lack(`has nothing in "${field}": it is null`)),
    );
  return found;
}

/** Opens a file for as long as something is read of it. */
export async function withBuffer<T>(path: string, read: (buffer: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return await read({
      byteLength: size,
      slice: async (begin, end = size) => {
        const bytes = new Uint8Array(end - begin);
        await handle.read(bytes, 0, bytes.length, begin);
        return bytes.buffer;
      },
    });
  } finally {
    await handle.close();
  }
}
