/** Correlation coefficients with bootstrap intervals. */

import { RandomStream } from '../../random.ts';

/** A coefficient in [−1, 1] and its 95 % percentile interval. */
export interface Coefficient {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

const RESAMPLES = 2000;
const LEVEL = 0.95;

/** Pearson's correlation, linear; and Spearman's, of ranks. Undefined with fewer than three points. */
export function correlations(
  points: readonly (readonly [x: number, y: number])[],
  seed = 0,
): { pearson: Coefficient; spearman: Coefficient } | undefined {
  if (points.length < 3) return undefined;
  const stream = new RandomStream(seed, 'correlation');
  const resamples = Array.from({ length: RESAMPLES }, () =>
    points.map(() => points[stream.nextInteger(points.length)]),
  );
  const withInterval = (coefficient: (of: readonly (readonly [number, number])[]) => number): Coefficient => {
    const sorted = resamples
      .map(coefficient)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
    return { value: coefficient(points), interval: [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)] };
  };
  return { pearson: withInterval(pearson), spearman: withInterval((of) => pearson(ranked(of))) };
}

export function pearson(points: readonly (readonly [number, number])[]): number {
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
export function ranked(points: readonly (readonly [number, number])[]): [number, number][] {
  const ranksOf = (values: readonly number[]) =>
    values.map(
      (value) =>
        (values.filter((other) => other < value).length +
          values.filter((other) => other <= value).length -
          1) /
        2,
    );
  const [x, y] = [ranksOf(points.map(([first]) => first)), ranksOf(points.map(([, second]) => second))];
  return points.map((_, i) => [x[i], y[i]]);
}
