import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { KeptWindows } from 'calm-lm/evaluation';
import { temporaryFolder } from '../helpers/temporary.ts';

const scored = (value: number) => ({ sums: [value, 1 / 3, -1, 0], numEmpty: 1 });

function keep(file: string, settings: string, windows: readonly number[]): void {
  const kept = new KeptWindows(file, settings);
  for (const window of windows) kept.add(window, scored(window));
  kept.close();
}

/** What another process would find. */
function found(file: string, settings: string): [window: number, sums: readonly number[]][] {
  const kept = new KeptWindows(file, settings);
  const windows = [...Array(20).keys()].flatMap((window) => {
    const own = kept.get(window);
    return own ? [[window, own.sums] as [number, readonly number[]]] : [];
  });
  kept.close();
  return windows;
}

test('windows are found again as they were, to the bit, in any order and for their settings alone', (t) => {
  const file = join(temporaryFolder(t), 'new', 'windows.jsonl');
  keep(file, 'a', [3, 0]);
  keep(file, 'b', [7]);
  keep(file, 'a', [1]);
  t.deepEqual(found(file, 'a'), [
    [0, scored(0).sums],
    [1, scored(1).sums],
    [3, scored(3).sums],
  ]);
  t.deepEqual(found(file, 'b'), [[7, scored(7).sums]]);
  t.deepEqual(found(file, 'c'), []);
  const kept = new KeptWindows(file, 'a');
  t.is(kept.size, 3);
  kept.close();
});

test('a last line that was cut short at any byte is dropped, and what comes after it is whole', (t) => {
  const file = join(temporaryFolder(t), 'windows.jsonl');
  keep(file, 'a', [0, 1]);
  const bytes = readFileSync(file);
  const first = bytes.indexOf('\n') + 1;
  for (let length = first; length < bytes.length; length++) {
    writeFileSync(file, bytes);
    truncateSync(file, length);
    keep(file, 'a', [2]);
    t.deepEqual(
      found(file, 'a').map(([window]) => window),
      [0, 2],
      `${length} bytes`,
    );
    t.is(readFileSync(file, 'utf8').split('\n').length, 3);
  }
});

test('lines that are damaged are missing, and no more', (t) => {
  const file = join(temporaryFolder(t), 'windows.jsonl');
  keep(file, 'a', [0]);
  for (const damaged of [
    '\0\0\0\0',
    'null',
    '[]',
    '{"settings":"a","window":-1,"sums":[1,1,1,1],"numEmpty":0}',
    '{"settings":"a","window":5,"sums":[1,1,1],"numEmpty":0}',
    '{"settings":"a","window":5,"sums":[1,1,1,null],"numEmpty":0}',
  ])
    appendFileSync(file, `${damaged}\n`);
  keep(file, 'a', [4]);
  t.deepEqual(
    found(file, 'a').map(([window]) => window),
    [0, 4],
  );
});
