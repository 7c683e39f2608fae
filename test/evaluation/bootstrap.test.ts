import test from 'ava';
import { brierInterval } from 'calm-lm/evaluation';
import { RandomStream } from 'calm-lm/random';

/** Rows whose windows score 1 with probability p, each row its own document. */
function rowsOf(p: number, count: number, seed: number) {
  const stream = new RandomStream(seed, 'rows');
  return Array.from({ length: count }, () => {
    const hits = Array.from({ length: 20 }, () => Number(stream.nextUniform() < p)).reduce((a, b) => a + b);
    return { sums: [hits, hits, hits, hits], numWindows: 20 };
  });
}

test('the interval holds the truth about as often as it says', async (t) => {
  const documents = Array.from({ length: 40 }, (_, i) => i);
  let held = 0;
  for (let trial = 0; trial < 100; trial++) {
    const interval = await brierInterval(rowsOf(0.3, 40, trial), documents, 'weighted', trial);
    if (interval && interval.brier[0][0] <= 0.3 && 0.3 <= interval.brier[0][1]) held++;
  }
  t.true(held >= 85 && held <= 100, `${held} of 100`);
});

test(
  'documents are the units where there are enough of them, sequences where not; the same seed gives ' +
    'the same interval',
  async (t) => {
    const rows = rowsOf(0.3, 40, 1);
    const byDocument = await brierInterval(
      rows,
      rows.map((_, i) => i >> 2),
      'weighted',
      1,
    );
    t.is(byDocument?.unit, 'documents');
    t.is(byDocument?.numUnits, 10);
    const bySequence = await brierInterval(
      rows,
      rows.map(() => 0),
      'weighted',
      1,
    );
    t.is(bySequence?.unit, 'sequences');
    t.is(bySequence?.numUnits, 40);
    t.deepEqual(
      bySequence,
      await brierInterval(
        rows,
        rows.map(() => 0),
        'weighted',
        1,
      ),
    );
    t.is(await brierInterval(rows.slice(0, 1), [0], 'weighted', 1), undefined);
  },
);
