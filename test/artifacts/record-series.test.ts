import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ReadOnlyFiles } from '../../src/artifacts/read-only-files.ts';
import { type RecordRange, RecordSeries } from '../../src/artifacts/record-series.ts';
import { RecordSeriesWriter } from '../../src/artifacts/record-series-writer.ts';
import { RandomStream } from '../../src/random.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const SIZE = { recordBytes: 4, recordsPerShard: 1000 };

/** A series of numbers that count up. */
function writeSeries(folder: string, records: number): void {
  const writer = new RecordSeriesWriter(folder, 'train', SIZE);
  writer.append(Uint32Array.from({ length: records }, (_, i) => i));
  writer.close();
}

function openSeries(folder: string, records: number) {
  const files = new ReadOnlyFiles(folder);
  const calls: number[] = [];
  const read = files.read.bind(files);
  files.read = (file, position, length, expected) => {
    calls.push(length);
    return read(file, position, length, expected);
  };
  const shards = [];
  for (let i = 0; i * 1000 < records; i++)
    shards.push({ file: `train-0000${i}.bin`, records: Math.min(1000, records - i * 1000) });
  return { series: new RecordSeries(files, 4, shards), calls, files };
}

const numbers = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>) => [
  ...new Uint32Array(buffer, byteOffset, byteLength / 4),
];
const counted = ({ start, count }: RecordRange) => Array.from({ length: count }, (_, i) => start + i);

test('records are read within a file, over several, and none', (t) => {
  const folder = temporaryFolder(t);
  writeSeries(folder, 3500);
  const { series, files } = openSeries(folder, 3500);
  t.is(series.length, 3500);
  for (const range of [
    { start: 0, count: 5 },
    { start: 999, count: 1 },
    { start: 998, count: 2004 },
    { start: 3499, count: 1 },
    { start: 3500, count: 0 },
  ])
    t.deepEqual(numbers(series.read(range.start, range.count)), counted(range));
  t.is(series.pathOf(2000), join(folder, 'train-00002.bin'));
  series.check();
  writeFileSync(join(folder, 'train-00003.bin'), 'short');
  t.throws(() => series.check(), { message: /train-00003\.bin.*5 bytes instead of 2000/ });
  files.close();
});

test('ranges in any order, twice, overlapping and empty come as they are, in few reads', (t) => {
  const folder = temporaryFolder(t);
  writeSeries(folder, 3500);
  const { series, calls, files } = openSeries(folder, 3500);
  const draws = new RandomStream(1, 'ranges');
  const ranges = Array.from({ length: 300 }, () => ({
    start: draws.nextInteger(3480),
    count: draws.nextInteger(20),
  }));
  ranges.push(ranges[0], { start: 0, count: 3500 }, { start: 10, count: 2 });
  const found = new Array<number[]>(ranges.length);
  series.readEach(ranges, (i, bytes) => {
    found[i] = numbers(bytes);
  });
  t.deepEqual(found, ranges.map(counted));
  t.is(calls.length, 4, 'one read a file');
  files.close();
});

test('what lies far apart is read by itself', (t) => {
  const folder = temporaryFolder(t);
  const far = 3 * 2 ** 14;
  const writer = new RecordSeriesWriter(folder, 'train', { recordBytes: 4, recordsPerShard: far });
  writer.append(Uint32Array.from({ length: far }, (_, i) => i));
  writer.close();
  const files = new ReadOnlyFiles(folder);
  let bytesRead = 0;
  const read = files.read.bind(files);
  files.read = (file, position, length, expected) => {
    bytesRead += length;
    return read(file, position, length, expected);
  };
  const found: number[] = [];
  const ranges = [far - 1, 0, far / 2].map((start) => ({ start, count: 1 }));
  new RecordSeries(files, 4, [{ file: 'train-00000.bin', records: far }]).readEach(ranges, (i, bytes) => {
    found[i] = numbers(bytes)[0];
  });
  t.deepEqual(found, [far - 1, 0, far / 2]);
  t.is(bytesRead, 12);
  files.close();
});

test('a writer is resumed at any number of records, and what was beyond is gone', (t) => {
  const folder = temporaryFolder(t);
  writeSeries(folder, 3500);
  const whole = [0, 1, 2].map((i) => readFileSync(join(folder, `train-0000${i}.bin`)));
  for (const records of [2600, 2000, 1, 0]) {
    const writer = new RecordSeriesWriter(folder, 'train', SIZE, records);
    t.false(existsSync(join(folder, 'train-00003.bin')));
    writer.append(Uint32Array.from({ length: 3000 - records }, (_, i) => records + i));
    t.is(writer.records, 3000);
    writer.close();
    t.deepEqual(
      writer.shards('tokens'),
      [0, 1, 2].map((i) => ({ file: `train-0000${i}.bin`, tokens: 1000 })),
    );
    t.deepEqual(
      [0, 1, 2].map((i) => readFileSync(join(folder, `train-0000${i}.bin`))),
      whole,
    );
  }
});
