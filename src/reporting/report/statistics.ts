/** Correlation coefficients with bootstrap intervals. */

import { RandomStream } from '../../random.ts';

type Pairs = readonly (readonly [x: number, y: number])[];

/** A coefficient in [−1, 1] and its 95 % percentile interval. */
export interface Coefficient {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

const RESAMPLES = 2000;
const LEVEL = 0.95;

/**
 * Pearson's correlation, linear; and Spearman's, of ranks. Undefined with fewer than three points, or where
 * all x or
 * all y are equal.
 */
export function correlations(
  points: Pairs,
  seed = 0,
): { pearson: Coefficient; spearman: Coefficient } | undefined {
  const ranks = ranked(points);
  const [linear, ofRanks] = [pearson(points), pearson(ranks)];
  if (points.length < 3 || !Number.isFinite(linear) || !Number.isFinite(ofRanks)) return undefined;
  const stream = new RandomStream(seed, 'correlation');
  const rankAgain = [rankerOf(points.map(([x]) => x)), rankerOf(points.map(([, y]) => y))];
  const [linears, rankeds]: [number[], number[]] = [[], []];
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = points.map(() => stream.nextInteger(points.length));
    linears.push(pearson(drawn.map((index) => points[index])));
    const [x, y] = rankAgain.map((rank) => rank(drawn));
    rankeds.push(pearson(drawn.map((_, at) => [x[at], y[at]] as const)));
  }
  return {
    pearson: { value: linear, interval: intervalOf(linears) },
    spearman: { value: ofRanks, interval: intervalOf(rankeds) },
  };
}

/** Resamples of a single value have no coefficient and are left out. */
function intervalOf(coefficients: readonly number[]): [low: number, high: number] {
  const sorted = coefficients.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)];
}

/** The least and the greatest of any number of values. */
export function extentOf(values: readonly number[]): [least: number, greatest: number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  return [least, greatest];
}

export function pearson(points: Pairs): number {
  const mean = (side: 0 | 1) => points.reduce((sum, point) => sum + point[side], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let [xy, xx, yy] = [0, 0, 0];
  for (const [x, y] of points) {
    xy += (x - meanX) * (y - meanY);
    xx += (x - meanX) ** 2;
    yy += (y - meanY) ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}

/** Values replaced by their ranks; equal ones share the mean of theirs. */
export function ranked(points: Pairs): [number, number][] {
  const all = points.map((_, i) => i);
  const x = rankerOf(points.map(([first]) => first))(all);
  const y = rankerOf(points.map(([, second]) => second))(all);
  return all.map((i) => [x[i], y[i]]);
}

/** Sorts values once, so that the ranks within a draw of them (with repetitions) take linear time. */
function rankerOf(values: readonly number[]): (drawn: readonly number[]) => number[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const places = new Map(distinct.map((value, place) => [value, place]));
  const placeOf = values.map((value) => places.get(value) as number);
  return (drawn) => {
    const counts = new Array<number>(distinct.length).fill(0);
    for (const index of drawn) counts[placeOf[index]]++;
    let before = 0;
    const ranks = counts.map((count) => {
      before += count;
      return before - (count + 1) / 2;
    });
    return drawn.map((index) => ranks[placeOf[index]]);
  };
}
