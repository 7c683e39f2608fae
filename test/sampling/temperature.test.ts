import test from 'ava';
import { RandomStream } from '../../src/random.ts';
import { alignPrompt, chooseCandidate, powerOf, weighCandidates } from '../../src/sampling/index.ts';

// The paper's own example (§5.3): the batch A C A D B E A F B G at T = ½.
test('the example of the paper: A with 3/4, B with 1/4', (t) => {
  const pool = Int32Array.from('ACADBEAFBG', (letter) => letter.charCodeAt(0));
  const { candidates, power } = weighCandidates(pool, 1, 2);
  t.is(power, 2);
  t.deepEqual(
    candidates.map(({ patch, weight }) => [String.fromCharCode(patch[0]), weight]),
    [
      ['A', 3],
      ['B', 1],
    ],
  );
});

test('without a repetition the power falls back to 1', (t) => {
  const { candidates, power } = weighCandidates(Int32Array.of(5, 6, 7), 1, 3);
  t.is(power, 1);
  t.is(candidates.length, 3);
});

test('choices follow P² as the pool grows', (t) => {
  const P = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04];
  const stream = new RandomStream(5, 'pool');
  const drawOne = () => {
    let u = stream.nextUniform();
    return P.findIndex((p) => (u -= p) < 0);
  };
  const counts = new Array<number>(6).fill(0);
  const rounds = 4000;
  for (let i = 0; i < rounds; i++) {
    const { candidates } = weighCandidates(
      Int32Array.from({ length: 200 }, () => Math.max(0, drawOne())),
      1,
      2,
    );
    counts[chooseCandidate(candidates, stream.nextUniform()).patch[0]]++;
  }
  const total = P.reduce((sum, p) => sum + p * p, 0);
  const variation = P.reduce((sum, p, x) => sum + Math.abs(counts[x] / rounds - (p * p) / total), 0) / 2;
  t.true(variation < 0.03, `total variation ${variation}`);
});

test('temperatures are 1/n', (t) => {
  for (const [temperature, n] of [
    [1, 1],
    [0.5, 2],
    [1 / 3, 3],
    [0.2, 5],
    [0.05, 20],
  ])
    t.is(powerOf(temperature), n);
  for (const temperature of [0, -1, 1.5, 0.7, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.is((t.throws(() => powerOf(temperature)) as { code?: string }).code, 'CALM_TEMPERATURE');
  }
});

test('prompts of any length become whole patches', (t) => {
  t.deepEqual([...alignPrompt([1, 2, 3, 4, 5], 4, 9)], [9, 9, 9, 1, 2, 3, 4, 5]);
  t.deepEqual([...alignPrompt([1, 2, 3, 4], 4, 9)], [1, 2, 3, 4]);
  t.deepEqual([...alignPrompt([], 4, 9)], [9, 9, 9, 9]);
  t.deepEqual([...alignPrompt([1, 2], 4, 9, 'right')], [1, 2, 9, 9]);
});
