import test from 'ava';
import { correlations, extentOf, ranked } from '../../../src/reporting/report/statistics.ts';

test('correlations: of a line, of ranks alone, with intervals that hold them', (t) => {
  const line = correlations([1, 2, 3, 4, 5].map((x) => [x, 10 - 2 * x] as const));
  t.true(Math.abs((line?.pearson.value ?? 0) + 1) < 1e-12);
  const bent = correlations([1, 2, 3, 4, 5, 6].map((x) => [x, Math.exp(x)] as const));
  t.is(bent?.spearman.value, 1);
  t.true((bent?.pearson.value ?? 1) < 0.9);
  t.true(
    (bent?.pearson.interval[0] ?? 1) <= (bent?.pearson.value ?? 0) &&
      (bent?.pearson.value ?? 1) <= (bent?.pearson.interval[1] ?? 0),
  );
});

test('ranks: equal values share the mean of theirs', (t) => {
  t.deepEqual(
    ranked([
      [5, 1],
      [5, 2],
      [9, 3],
      [-1, 3],
    ]),
    [
      [1.5, 0],
      [1.5, 1],
      [3, 2.5],
      [0, 2.5],
    ],
  );
});

test('no correlation of fewer than three points, or of values that are all equal', (t) => {
  t.is(correlations([[1, 2]]), undefined);
  t.is(correlations([1, 2, 3, 4].map((x) => [x, 7] as const)), undefined);
});

test('many points: the work grows with their number, and not with its square', (t) => {
  // A quadratic one would make 10¹⁰ comparisons here.
  const points = Array.from({ length: 100_000 }, (_, i) => [i % 1000, 5 - i] as const);
  const ranks = ranked(points);
  t.deepEqual(
    [ranks[0], ranks[99_999]],
    [
      [49.5, 99_999],
      [99_949.5, 0],
    ],
  );
  t.deepEqual(extentOf(points.map(([, y]) => y)), [-99_994, 5]);
});

test('the extent of more values than a call may have arguments', (t) => {
  t.deepEqual(extentOf(Array.from({ length: 500_000 }, (_, i) => i - 5)), [-5, 499_994]);
});
