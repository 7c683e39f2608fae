import asciichart from 'asciichart';
import { elementAt } from '../elements.ts';
import { readMetrics } from '../runs/index.ts';
import { formatNumber } from './format.ts';

const WIDTH = 64;
/** Of the numbers beside the curve. */
const SCALE = 12;
const HEIGHT = 8;

/**
 * The loss of metrics.jsonl as a small curve for the terminal; undefined where there are fewer than three
 * points, or no room for them.
 */
export function drawLossCurve(metricsFile: string, columns = Number.POSITIVE_INFINITY): string | undefined {
  const lines = readMetrics<{ step: number; loss?: number }>(metricsFile);
  const points = lines.filter((point): point is { step: number; loss: number } =>
    Number.isFinite(point.loss),
  );
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 3) return undefined;
  const width = Math.min(WIDTH, points.length, columns - SCALE);
  if (width < 3) return undefined;
  const lossAt = (index: number) => elementAt(points, index).loss;
  const shown = Array.from({ length: width }, (_, i) => lossAt(Math.floor((i * points.length) / width)));
  const format = (value: number) => formatNumber(value).padStart(9);
  const chart = asciichart.plot(shown, { height: HEIGHT, format });
  return `${chart}\n${' '.repeat(10)}loss, steps ${first.step} … ${last.step}`;
}
