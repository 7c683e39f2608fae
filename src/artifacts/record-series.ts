/**
 * Records of one width over files of so many each: name-00000.bin, name-00001.bin … They are read at random
 * from any of them (written: `record-series-writer.ts`). What a record holds is the caller's.
 */

import { z } from 'zod';
import { elementAt } from '../elements.ts';
import { checkedSize, type ReadOnlyFiles } from './read-only-files.ts';

/** A file of a series. */
export interface RecordFile {
  readonly file: string;
  readonly records: number;
}

const count = z.int().nonnegative();
const fileName = z.string().regex(/^[a-z]+-\d+\.bin$/, 'must be the name of a shard beside the index');

/** What an index says of a series whose records are called `Unit`, and of what else is counted. */
type SeriesIndex<Unit extends string, Count extends string> = Record<Unit | Count, number> & {
  shards: ({ file: string } & Record<Unit, number>)[];
};

/**
 * The schema of what an index says of a series.
 * @param unit what a record is called: `tokens`, `patches`
 * @param counts more keys, which count something else
 */
export function seriesSchema<Unit extends string, Count extends string = never>(
  unit: Unit,
  ...counts: Count[]
): z.ZodType<SeriesIndex<Unit, Count>> {
  const keys = Object.fromEntries([unit, ...counts].map((key) => [key, count]));
  const shards = z.array(z.object({ file: fileName, [unit]: count }));
  const schema = z.object({ ...keys, shards }) as unknown as z.ZodType<SeriesIndex<Unit, Count>>;
  return schema.refine((index) => {
    const own: readonly Record<Unit, number>[] = index.shards;
    return own.reduce((sum, { [unit]: records }) => sum + records, 0) === index[unit];
  }, `its shards must have its ${unit}`);
}

/** Some records in a row. */
export interface RecordRange {
  readonly start: number;
  readonly count: number;
}

/** Reading this many bytes more costs less than a second call. */
const GAP_BYTES = 2 ** 14;
/** Ranges that lie close together are read at once, up to so many bytes. */
const BYTES_AT_ONCE = 2 ** 20;

/** Reads a series. Its files are opened when they are read, and closed by whoever closes `files`. */
export class RecordSeries {
  readonly length: number;
  readonly #files: ReadOnlyFiles;
  readonly #recordBytes: number;
  readonly #shards: readonly (RecordFile & RecordRange)[];

  constructor(files: ReadOnlyFiles, recordBytes: number, shards: readonly RecordFile[]) {
    this.#files = files;
    this.#recordBytes = recordBytes;
    let start = 0;
    this.#shards = shards.map(({ file, records }) => {
      start += records;
      return { file, records, start: start - records, count: records };
    });
    this.length = start;
  }

  /** Refuses files that are missing or of another size. */
  check(): void {
    for (const { file, records } of this.#shards)
      checkedSize(this.#files.path(file), records * this.#recordBytes);
  }

  /** The bytes of records [start, start + count). */
  read(start: number, count: number): Uint8Array<ArrayBuffer> {
    const parts = this.#shards.filter(
      (shard) => shard.start < start + count && start < shard.start + shard.count,
    );
    const read = (shard: RecordFile & RecordRange) => {
      const from = Math.max(start, shard.start);
      return this.#readFile(
        shard,
        from - shard.start,
        Math.min(start + count, shard.start + shard.count) - from,
      );
    };
    const [part, another] = parts;
    if (part && !another && part.start <= start && start + count <= part.start + part.count)
      return read(part);
    const bytes = new Uint8Array(count * this.#recordBytes);
    for (const shard of parts) bytes.set(read(shard), Math.max(0, shard.start - start) * this.#recordBytes);
    return bytes;
  }

  /**
   * Reads several ranges in few calls, in the order of their places.
   * @param take gets the number of a range and its bytes, which are not kept afterwards
   */
  readEach(
    ranges: readonly RecordRange[],
    take: (range: number, bytes: Uint8Array<ArrayBuffer>) => void,
  ): void {
    const order = ranges
      .map(({ start, count }, index) => ({ start, count, index }))
      .sort((a, b) => a.start - b.start);
    for (let first = 0; first < order.length; ) {
      const { start, next, end } = this.#lastTogether(order, first);
      const bytes = this.read(start, end - start);
      for (const { start: own, count, index } of order.slice(first, next)) {
        const at = (own - start) * this.#recordBytes;
        take(index, bytes.subarray(at, at + count * this.#recordBytes));
      }
      first = next;
    }
  }

  /** The path of the file that a record lies in. */
  pathOf(record: number): string {
    const shard = this.#shards.find(({ start, count }) => record < start + count) ?? this.#shards.at(-1);
    return this.#files.path(shard?.file ?? '');
  }

  /** Which ranges are read with the first one: up to `next` of the order, from record `start` to `end`. */
  #lastTogether(order: readonly RecordRange[], first: number): { start: number; next: number; end: number } {
    const { start, count } = elementAt(order, first);
    let [next, end] = [first + 1, start + count];
    for (; next < order.length; next++) {
      const { start: own, count: length } = elementAt(order, next);
      const farther = Math.max(end, own + length);
      const isFar = (own - end) * this.#recordBytes > GAP_BYTES;
      if (isFar || (farther - start) * this.#recordBytes > BYTES_AT_ONCE) break;
      end = farther;
    }
    return { start, next, end };
  }

  #readFile({ file, records }: RecordFile, start: number, count: number): Uint8Array<ArrayBuffer> {
    const width = this.#recordBytes;
    return this.#files.read(file, start * width, count * width, records * width);
  }
}
