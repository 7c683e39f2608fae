import test from 'ava';
import { retryAfterMs } from '../../src/http/retry-after.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const headers: [header: string, ms: number | undefined][] = [
  ['7', 7000],
  [' 0.5 ', 500],
  ['0', 0],
  ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
  ['Friday, 02-Jan-26 03:04:15 GMT', 10_000],
  ['Fri, 02 Jan 2026 03:04:00 GMT', 0],
  ['', undefined],
  ['-3', undefined],
  ['soon', undefined],
  ['2026', 2_026_000],
  ['Infinity', undefined],
];

for (const [header, ms] of headers)
  test(`Retry-After "${header}" is ${ms} ms`, (t) => t.is(retryAfterMs(header, NOW), ms));
