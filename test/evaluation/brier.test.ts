import test from 'ava';
import { aggregateBrier, UnigramCounts } from '../../src/evaluation/index.ts';

test('one negative factor gives 0 in both protocols; two do so in ours alone', (t) => {
  const batch = (brier: number[]) => [{ brier, numWindows: 10 }];
  t.is(aggregateBrier(batch([0.3, 0.1, -0.1, 0.1]), 'weighted').brierLM, 0);
  t.is(aggregateBrier(batch([0.3, 0.1, -0.1, 0.1]), 'reference').brierLM, 0);
  t.is(aggregateBrier(batch([0.3, 0.1, -0.1, -0.1]), 'weighted').brierLM, 0);
  t.true(aggregateBrier(batch([0.3, 0.1, -0.1, -0.1]), 'reference').brierLM > 0);
});

test('windows weigh the same in ours, batches in the reference’s', (t) => {
  const batches = [
    { brier: [1, 1, 1, 1], numWindows: 30 },
    { brier: [0, 0, 0, 0], numWindows: 10 },
  ];
  t.is(aggregateBrier(batches, 'weighted').brier[0], 0.75);
  t.is(aggregateBrier(batches, 'reference').brier[0], 0.5);
});

test('the unigram sampler’s Brier-n is 2 Π p(y) − (Σ p²)ⁿ', (t) => {
  const counts = new UnigramCounts(3);
  counts.add([0, 0, 1, 2]);
  const { brier, numWindows } = counts.score([Int32Array.of(0, 1, 0, 2)], 1);
  const collision = 0.25 + 0.0625 + 0.0625;
  t.is(numWindows, 1);
  t.deepEqual(brier, [
    2 * 0.5 - collision,
    2 * 0.125 - collision ** 2,
    2 * 0.0625 - collision ** 3,
    2 * 0.015625 - collision ** 4,
  ]);
});
