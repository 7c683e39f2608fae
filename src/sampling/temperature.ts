/**
 * Temperature without likelihoods (paper §5): from patches drawn at temperature 1, one that is distributed as
 * P(x)^{1/T}, or nearly so.
 * 1/T = n + α with n = ⌊1/T⌋ and 0 ≤ α < 1.  N candidates · K tokens a patch.
 */

import { elementAt } from '../elements.ts';
import { temperatureInvalid, temperatureProblem } from '../errors.ts';

/** 1/T in two parts. */
export interface Power {
  /** n, 1 or more. */
  readonly whole: number;
  /** α, in [0, 1). */
  readonly rest: number;
}

/** A distinct patch among the candidates, and how often it was drawn. */
export interface CountedPatch {
  readonly patch: Int32Array;
  readonly count: number;
}

/** The same with the weight of its choice. */
export interface Candidate extends CountedPatch {
  readonly weight: number;
}

/** 1/T of a temperature written with a few digits too few, 0.3333333333, counts as a whole number. */
const TOLERANCE = 2e-9;

/** 1/T = n + α. An error unless T is in (0, 1]. */
export function powerOf(temperature: number): Power {
  if (temperatureProblem(temperature)) throw temperatureInvalid(temperature);
  const inverse = 1 / temperature;
  const nearest = Math.round(inverse);
  if (Math.abs(inverse - nearest) <= TOLERANCE * inverse) return { whole: nearest, rest: 0 };
  return { whole: Math.floor(inverse), rest: inverse - Math.floor(inverse) };
}

/**
 * The weight of a patch that was drawn k times among N: the U-statistic of P(x)^{n+α},
 *
 *     w(k) = C(k, n)/C(N, n) · (1 − Σ_{j=1}^{N−n} a_j C(N−k, j)/C(N−n, j)),   a_j = (α/j) Π_{i<j} (1 − α/i),
 *
 * which for α = 0 is the paper's C(k, n) but for a factor that all patches share, and is left out here.
 */
export function batchWeight(count: number, numCandidates: number, { whole, rest }: Power): number {
  const combinations = binomial(count, whole);
  if (rest === 0 || combinations === 0) return combinations;
  let [left, coefficient, ratio] = [1, rest, 1];
  for (let j = 1; j <= numCandidates - count; j++) {
    ratio *= (numCandidates - count - j + 1) / (numCandidates - whole - j + 1);
    left -= coefficient * ratio;
    coefficient *= (j - rest) / (j + 1);
  }
  return combinations * left;
}

/**
 * The power that the candidates allow: that of the temperature where some patch was drawn n times, the
 * largest whole one that some patch reaches where not.
 */
export function reachedPower(power: Power, largestCount: number): Power {
  return largestCount >= power.whole ? power : { whole: largestCount, rest: 0 };
}

/**
 * The batch approximation (paper, Algorithm 2) for any T: distinct patches with count ≥ m get a weight, m = n
 * or the largest that any patch reaches. The weights
 * are unbiased and only their ratio is biased; the choice is exact as N → ∞.
 * @param pool [N·K] token ids of the candidates
 * @returns the patches that can be chosen, in the order of their first appearance
 */
export function weighCandidates(
  pool: Int32Array,
  patchSize: number,
  power: Power,
): { candidates: Candidate[]; power: Power } {
  const counted = countPatches(pool, patchSize);
  const reached = reachedPower(power, Math.max(...counted.map(({ count }) => count)));
  const numCandidates = pool.length / patchSize;
  const candidates = counted
    .filter(({ count }) => count >= reached.whole)
    .map(({ patch, count }) => ({ patch, count, weight: batchWeight(count, numCandidates, reached) }));
  return { candidates, power: reached };
}

/** The first candidate whose cumulative weight exceeds uniform · total. */
export function chooseCandidate(candidates: readonly Candidate[], uniform: number): Candidate {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let cumulative = 0;
  for (const candidate of candidates) {
    cumulative += candidate.weight;
    if (cumulative > uniform * total) return candidate;
  }
  return elementAt(candidates, candidates.length - 1);
}

/** Distinct patches with their counts, in the order of their first appearance. */
export function countPatches(pool: Int32Array, patchSize: number): CountedPatch[] {
  const seen = new Map<string, { patch: Int32Array; count: number }>();
  for (let at = 0; at < pool.length; at += patchSize) {
    const patch = pool.subarray(at, at + patchSize);
    const key = patch.join(' ');
    const known = seen.get(key);
    if (known) known.count++;
    else seen.set(key, { patch, count: 1 });
  }
  return [...seen.values()];
}

/** C(n, k), exact as long as it fits a double. */
export function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return Math.round(result);
}

/**
 * The exact algorithm (paper, Algorithm 1) for one sample of P^{1/T}/Z, fed draw by draw from P. (1) n draws
 * must be equal to one x, or it starts again; it does
 * so at the first that differs, which changes no probability. (2) With α > 0, draw until x comes again; after
 * the i-th other one give up with probability α/i.
 * Step 2 accepts with probability P(x)^α exactly.
 */
export class ExactSampler<T> {
  readonly #power: Power;
  readonly #uniform: () => number;
  readonly #isEqual: (a: T, b: T) => boolean;
  #candidate: T | undefined;
  #equal = 0;
  #others = 0;
  #draws = 0;

  /** @param uniform numbers in [0, 1) for giving up */
  constructor(power: Power, uniform: () => number, isEqual: (a: T, b: T) => boolean = Object.is) {
    this.#power = power;
    this.#uniform = uniform;
    this.#isEqual = isEqual;
  }

  /** Draws that it has looked at. */
  get draws(): number {
    return this.#draws;
  }

  /** Takes a draw; true where the sample is found, and is this very draw (or one equal to it). */
  offer(draw: T): boolean {
    this.#draws++;
    const { whole, rest } = this.#power;
    if (this.#equal === 0) {
      this.#candidate = draw;
      this.#equal = 1;
    } else if (!this.#isEqual(this.#candidate as T, draw)) {
      if (this.#equal < whole || this.#uniform() < rest / ++this.#others) this.#restart();
      return false;
    } else if (this.#equal === whole) return true;
    else this.#equal++;
    return rest === 0 && this.#equal === whole;
  }

  #restart(): void {
    this.#equal = 0;
    this.#others = 0;
  }
}

/**
 * How many draws the exact algorithm takes on average (paper, Theorem 2), with step 1 ended at its first
 * difference: (1 + Σ_{j<n} S_j + 1{α>0} S_{1/T−1}) / S_{1/T}, S_j = Σ P^j.
 */
export function expectedDraws(probabilities: readonly number[], { whole, rest }: Power): number {
  const sum = (power: number) => probabilities.reduce((total, p) => total + p ** power, 0);
  let draws = 1;
  for (let j = 1; j < whole; j++) draws += sum(j);
  return (draws + (rest > 0 ? sum(whole + rest - 1) : 0)) / sum(whole + rest);
}
