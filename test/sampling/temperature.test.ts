import test from 'ava';
import { RandomStream } from '../../src/random.ts';
import {
  alignPrompt,
  batchWeight,
  binomial,
  chooseCandidate,
  ExactSampler,
  expectedDraws,
  powerOf,
  reweigh,
  weighCandidates,
} from '../../src/sampling/index.ts';

const P = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04];
const TEMPERATURES = [0.9, 0.7, 0.5, 0.4, 1 / 3, 0.3];

/** An outcome of P. */
function drawFrom(stream: RandomStream): number {
  let u = stream.nextUniform();
  return Math.max(
    0,
    P.findIndex((p) => (u -= p) < 0),
  );
}

/** Half the sum of the differences of frequencies from P^{1/T}/Z. */
function totalVariation(counts: readonly number[], temperature: number): number {
  const powers = P.map((p) => p ** (1 / temperature));
  const [total, rounds] = [powers.reduce((a, b) => a + b), counts.reduce((a, b) => a + b)];
  return powers.reduce((sum, power, x) => sum + Math.abs(counts[x] / rounds - power / total), 0) / 2;
}

// The paper's own example (§5.3): the batch A C A D B E A F B G at T = ½.
test('the example of the paper: A with 3/4, B with 1/4', (t) => {
  const pool = Int32Array.from('ACADBEAFBG', (letter) => letter.charCodeAt(0));
  const { candidates, power } = weighCandidates(pool, 1, powerOf(0.5));
  t.deepEqual(power, { whole: 2, rest: 0 });
  t.deepEqual(
    candidates.map(({ patch, weight }) => [String.fromCharCode(patch[0]), weight]),
    [
      ['A', 3],
      ['B', 1],
    ],
  );
});

test('without a repetition the power falls back to 1', (t) => {
  const { candidates, power } = weighCandidates(Int32Array.of(5, 6, 7), 1, powerOf(0.3));
  t.deepEqual(power, { whole: 1, rest: 0 });
  t.is(candidates.length, 3);
});

// 200,000 samples a temperature: the standard deviation of a frequency is at most 0.0011.
for (const temperature of TEMPERATURES) {
  test(`the exact sampler at T = ${temperature.toFixed(2)}: distribution and number of draws`, (t) => {
    const stream = new RandomStream(11, 'exact', String(temperature));
    const power = powerOf(temperature);
    const counts = P.map(() => 0);
    const rounds = 200_000;
    let draws = 0;
    for (let i = 0; i < rounds; i++) {
      const sampler = new ExactSampler<number>(power, () => stream.nextUniform());
      let draw = drawFrom(stream);
      while (!sampler.offer(draw)) draw = drawFrom(stream);
      counts[draw]++;
      draws += sampler.draws;
    }
    const [variation, expected] = [totalVariation(counts, temperature), expectedDraws(P, power)];
    t.true(variation <= 0.01, `total variation ${variation}`);
    t.true(Math.abs(draws / rounds / expected - 1) <= 0.02, `${draws / rounds} draws, ${expected} by theory`);
  });
}

// The figure that the mathematics gives for this distribution, found there by simulation as well.
test('expected draws at T = 1/3, with the first step ended at its first difference: 26.8', (t) => {
  t.true(Math.abs(expectedDraws(P, powerOf(1 / 3)) - 26.8) < 0.05);
});

// E w(k) = P^n (1 − Σ_{j ≤ N−n} a_j (1 − P)^j): P^{n+α} but for what is left of the binomial series after N −
// n terms.
test('the batch weight is unbiased, by enumeration', (t) => {
  const [numCandidates, p] = [12, 0.35];
  for (const temperature of [0.9, 0.6, 0.5, 0.4, 0.3]) {
    const power = powerOf(temperature);
    let mean = 0;
    for (let k = 0; k <= numCandidates; k++) {
      mean +=
        binomial(numCandidates, k) *
        p ** k *
        (1 - p) ** (numCandidates - k) *
        batchWeight(k, numCandidates, power);
    }
    let [series, coefficient] = [1, power.rest];
    for (let j = 1; j <= numCandidates - power.whole; j++) {
      series -= coefficient * (1 - p) ** j;
      coefficient *= (j - power.rest) / (j + 1);
    }
    t.true(
      Math.abs(mean / binomial(numCandidates, power.whole) - p ** power.whole * series) < 1e-12,
      `T ${temperature}`,
    );
    t.true(Math.abs(p ** power.whole * series - p ** (1 / temperature)) < 5e-3, `T ${temperature}`);
  }
});

for (const temperature of TEMPERATURES) {
  test(`choices from a batch follow P^{1/T} as it grows, T = ${temperature.toFixed(2)}`, (t) => {
    const stream = new RandomStream(5, 'pool');
    const counts = P.map(() => 0);
    for (let i = 0; i < 4000; i++) {
      const pool = Int32Array.from({ length: 200 }, () => drawFrom(stream));
      counts[
        chooseCandidate(weighCandidates(pool, 1, powerOf(temperature)).candidates, stream.nextUniform())
          .patch[0]
      ]++;
    }
    const variation = totalVariation(counts, temperature);
    t.true(variation < 0.03, `total variation ${variation}`);
  });
}

test('a temperature is a whole power and a rest', (t) => {
  for (const [temperature, whole, rest] of [
    [1, 1, 0],
    [0.5, 2, 0],
    [1 / 3, 3, 0],
    [0.3333333333, 3, 0],
    [0.2, 5, 0],
    [0.05, 20, 0],
    [0.8, 1, 0.25],
    [0.4, 2, 0.5],
  ]) {
    const power = powerOf(temperature);
    t.is(power.whole, whole);
    t.true(Math.abs(power.rest - rest) < 1e-12);
  }
  for (const temperature of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.is((t.throws(() => powerOf(temperature)) as { code?: string }).code, 'CALM_TEMPERATURE');
  }
});

test('tokens of a known distribution: temperature, top-k, top-p', (t) => {
  const probabilities = Float32Array.of(0.1, 0.4, 0.2, 0.3);
  const shares = (weights: Float64Array) =>
    [...weights].map((weight) => Number((weight / weights.reduce((a, b) => a + b)).toFixed(4)));
  t.deepEqual(shares(reweigh(probabilities, { temperature: 1 })), [0.1, 0.4, 0.2, 0.3]);
  t.deepEqual(shares(reweigh(probabilities, { temperature: 0.5 })), [0.0333, 0.5333, 0.1333, 0.3]);
  t.deepEqual(shares(reweigh(probabilities, { temperature: 1, topK: 2 })), [0, 0.5714, 0, 0.4286]);
  t.deepEqual(shares(reweigh(probabilities, { temperature: 1, topP: 0.7 })), [0, 0.5714, 0, 0.4286]);
  t.deepEqual(shares(reweigh(probabilities, { temperature: 1, topP: 0.71 })), [0, 0.4444, 0.2222, 0.3333]);
  t.deepEqual(shares(reweigh(probabilities, { temperature: 1, topK: 3, topP: 0.01 })), [0, 1, 0, 0]);
});

test('prompts of any length become whole patches', (t) => {
  t.deepEqual([...alignPrompt([1, 2, 3, 4, 5], 4, 9)], [9, 9, 9, 1, 2, 3, 4, 5]);
  t.deepEqual([...alignPrompt([1, 2, 3, 4], 4, 9)], [1, 2, 3, 4]);
  t.deepEqual([...alignPrompt([], 4, 9)], [9, 9, 9, 9]);
  t.deepEqual([...alignPrompt([1, 2], 4, 9, 'right')], [1, 2, 9, 9]);
});
