import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  drawLossCurve,
  flatten,
  formatBytes,
  formatCount,
  formatNumber,
  formatRun,
  formatSeconds,
  formatTable,
} from '../../src/reporting/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('columns stand under one another, however wide their characters are', (t) => {
  const rows = [
    ['日本語', 'x'],
    ['e\u0301te\u0301', 'y'],
    ['🙂', 'z'],
  ];
  t.deepEqual(formatTable(['run', 'state'], rows).split('\n'), [
    'run     state',
    '──────  ─────',
    '日本語  x',
    'e\u0301te\u0301     y',
    '🙂      z',
  ]);
});

test('numbers and times for people', (t) => {
  t.deepEqual([4.23, 59.94, 61, 3600 + 62].map(formatSeconds), ['4.2 s', '59.9 s', '1:01', '1:01:02']);
  t.deepEqual([12, 12_345, 4.56e6].map(formatCount), ['12', '12.3k', '4.56M']);
  t.deepEqual([3, 0.99912, 123.456, 12_345.6, 2_500_000].map(formatNumber), [
    '3',
    '0.9991',
    '123.5',
    '12346',
    '2.5M',
  ]);
});

test('numbers that are very small, very large, negative or none at all', (t) => {
  const { NaN: none, POSITIVE_INFINITY: endless } = Number;
  t.deepEqual([3e-7, -3e-7, 1e-4, 0.00025, 1e-300].map(formatNumber), [
    '3.00e-7',
    '-3.00e-7',
    '0.0001000',
    '0.0002500',
    '1.00e-300',
  ]);
  t.deepEqual([-0, -3, -0.5, -2.5e6, 1e6 + 0.5].map(formatNumber), ['0', '-3', '-0.5000', '-2.5M', '1M']);
  t.deepEqual([none, endless, -endless].map(formatNumber), ['NaN', 'Infinity', '-Infinity']);
  t.deepEqual([1.5e9, 1e21, 2e12].map(formatNumber), ['1.5G', '1.00e+21', '2T']);
  t.deepEqual([-12_345, 999.6, 999_960, 0.4, -0, none].map(formatCount), [
    '-12.3k',
    '1k',
    '1M',
    '0',
    '0',
    'NaN',
  ]);
  t.deepEqual([0, 999, 1000, 999_960, 6.7e9, 2e15, -1500, none].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.0 MB',
    '6.7 GB',
    '2.0 PB',
    '-1.5 kB',
    'NaN',
  ]);
  t.deepEqual([0, -0, 59.96, 3599.6, -90, 90_000, none, endless].map(formatSeconds), [
    '0.0 s',
    '0.0 s',
    '1:00',
    '1:00:00',
    '-1:30',
    '25:00:00',
    'NaN',
    'Infinity',
  ]);
});

test('a table has a rule and no trailing blanks', (t) => {
  t.is(
    formatTable(['a', 'long head'], [['wide cell', 'x']]),
    'a          long head\n─────────  ─────────\nwide cell  x',
  );
});

test('results flatten to dotted names; lists of records keep their first field as a label', (t) => {
  t.deepEqual(
    flatten({
      brier: [0.25, 0.5],
      nested: { tokens: 3 },
      underNoise: [{ sigma: 0.1, accuracy: 0.5 }],
      tokensPerSecond: 9,
      text: 'x',
      samples: [{ tokens: 3 }],
    }),
    [
      ['brier', '0.2500  0.5000'],
      ['nested.tokens', '3'],
      ['underNoise[sigma 0.1].accuracy', '0.5000'],
    ],
  );
  const shown = formatRun([
    { name: 'train', state: 'done', seconds: 5, metrics: { loss: 1.5, tokensPerSecond: 2000 } },
  ]);
  t.regex(shown, /train +done +5\.0 s +2k/);
  t.regex(shown, /train +loss +1\.500/);
});

test('the loss curve leaves out lines without a loss, and needs three points', (t) => {
  const file = join(temporaryFolder(t), 'metrics.jsonl');
  t.is(drawLossCurve(file), undefined);
  writeFileSync(file, '{"step":1,"loss":3}\n{"step":2,"held":1}\n{"step":2,"loss":2}\n');
  t.is(drawLossCurve(file), undefined);
  writeFileSync(file, '{"step":1,"loss":3}\n{"step":2,"held":1}\n{"step":2,"loss":2}\n{"step":3,"loss":1}\n');
  t.regex(drawLossCurve(file) ?? '', /3 ┼/);
  t.regex(drawLossCurve(file) ?? '', /loss, steps 1 … 3/);
});
