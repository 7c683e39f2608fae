import test from 'ava';
import { correlations } from '../../../src/reporting/report/statistics.ts';

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
  // Ranks 1, 2½, 2½, 4 and 1, 2, 3, 4: the correlation of these is √0.9.
  const tied = correlations([
    [1, 10],
    [5, 20],
    [5, 30],
    [9, 40],
  ]);
  t.true(Math.abs((tied?.spearman.value ?? 0) - Math.sqrt(0.9)) < 1e-12);
});

test('no correlation of fewer than three points, or of values that are all equal', (t) => {
  t.is(correlations([[1, 2]]), undefined);
  t.is(correlations([1, 2, 3, 4].map((x) => [x, 7] as const)), undefined);
});
