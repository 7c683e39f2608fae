/**
 * Temperature without likelihoods (paper §5): from patches drawn at temperature 1, one that is distributed nearly as P(x)^{1/T}.
 * N candidates · K tokens a patch.
 */

import { temperatureInvalid, temperatureProblem } from '../errors.ts';

/** A distinct patch among the candidates, how often it was drawn, and the weight of its choice. */
export interface Candidate {
  readonly patch: Int32Array;
  readonly count: number;
  readonly weight: number;
}

/** n = 1/T. An error unless T is in (0, 1] and 1/T an integer. */
export function powerOf(temperature: number): number {
  if (temperatureProblem(temperature)) throw temperatureInvalid(temperature);
  return Math.round(1 / temperature);
}

/**
 * The batch approximation (paper, Algorithm 2): distinct patches with count ≥ m get the weight C(count, m), for the largest m ≤ n that any patch
 * reaches. E[C(count, n)] = C(N, n)·P(x)^n, so the weights are unbiased and only their ratio is biased; the choice is exact as N → ∞.
 * @param pool [N·K] token ids of the candidates
 * @param power n = 1/T
 * @returns the patches that can be chosen, in the order of their first appearance
 */
export function weighCandidates(pool: Int32Array, patchSize: number, power: number): { candidates: Candidate[]; power: number } {
  const counted = countPatches(pool, patchSize);
  const reached = Math.min(power, Math.max(...counted.map(({ count }) => count)));
  const candidates = counted.filter(({ count }) => count >= reached).map(({ patch, count }) => ({ patch, count, weight: binomial(count, reached) }));
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
  return candidates[candidates.length - 1];
}

/** Distinct patches with their counts, in the order of their first appearance. */
function countPatches(pool: Int32Array, patchSize: number): { patch: Int32Array; count: number }[] {
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
