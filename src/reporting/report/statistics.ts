/** Correlation coefficients with bootstrap intervals. */

import { quantileSorted, sampleCorrelation, sampleRankCorrelation } from 'simple-statistics';
import { elementAt } from '../../elements.ts';
import { RandomStream } from '../../random.ts';

/** A coefficient in [−1, 1] and its 95 % percentile interval. */
export interface Coefficient {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

const RESAMPLES = 2000;
const LEVEL = 0.95;

/**
 * Pearson's correlation, linear; and Spearman's, of ranks. Undefined with fewer than three points, or where
 * all x or all y are equal.
 */
export function correlations(
  points: readonly (readonly [x: number, y: number])[],
  seed = 0,
): { pearson: Coefficient; spearman: Coefficient } | undefined {
  const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
  if (points.length < 3 || !Number.isFinite(sampleCorrelation(x, y))) return undefined;
  const stream = new RandomStream(seed, 'correlation');
  const [linear, ofRanks]: [number[], number[]] = [[], []];
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = points.map(() => elementAt(points, stream.nextInteger(points.length)));
    const [drawnX, drawnY] = [drawn.map((point) => point[0]), drawn.map((point) => point[1])];
    linear.push(sampleCorrelation(drawnX, drawnY));
    ofRanks.push(sampleRankCorrelation(drawnX, drawnY));
  }
  return {
    pearson: { value: sampleCorrelation(x, y), interval: intervalOf(linear) },
    spearman: { value: sampleRankCorrelation(x, y), interval: intervalOf(ofRanks) },
  };
}

/** Resamples of a single value have no coefficient and are left out. */
function intervalOf(coefficients: readonly number[]): [low: number, high: number] {
  const sorted = coefficients.filter(Number.isFinite).sort((a, b) => a - b);
  return [quantileSorted(sorted, (1 - LEVEL) / 2), quantileSorted(sorted, (1 + LEVEL) / 2)];
}
