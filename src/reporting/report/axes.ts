/** The axes of a plot. */

import { extent } from 'simple-statistics';
import type { ReportPlot } from '../../pipeline/index.ts';
import { clean } from './escape.ts';
import type { Point } from './measured.ts';

/** How points are drawn, and what the axes are called. */
export interface Look {
  readonly title: string;
  readonly kind: ReportPlot['kind'];
  readonly x: string;
  readonly y: string;
  /** What the colours tell apart; empty where their names say it. */
  readonly color?: string;
  /** Their names in the order of the colours, where it matters that each keeps its own. */
  readonly colors?: readonly string[];
  /** Steps are counted, not multiplied: they never want a logarithmic axis. */
  readonly hasSteps?: boolean;
  /** Values of both signs over many powers of ten: the axis is logarithmic on both sides of zero. */
  readonly isSignedLog?: boolean;
}

/** Up to this many values of x each has its own tick. */
const MOST_TICKS = 8;
/** Values nearer to zero than this power of ten are zero to the eye. */
const SMALLEST_POWER = -3;
/** Above this ratio of the largest to the smallest value an axis is logarithmic. */
const LOG_RATIO = 30;

export function xAxis(points: readonly Point[], look: Look, isNumeric: boolean): object {
  const title = clean(look.x);
  if (!isNumeric)
    return { field: 'x', type: 'nominal', sort: null, title, axis: { labelAngle: -30, labelLimit: 130 } };
  const numbers = points.map(({ x }) => Number(x));
  const isLog = !look.hasSteps && isWide(numbers);
  const distinct = [...new Set(numbers)];
  const ticks = distinct.length <= MOST_TICKS ? { values: distinct } : {};
  const axis = { format: formatOf(numbers), labelOverlap: true, ...ticks };
  const scale = { nice: false, padding: 10, ...(isLog ? { type: 'log' } : { zero: false }) };
  return { field: 'x', type: 'quantitative', title, scale, axis };
}

export function yAxis(points: readonly Point[], look: Look, kind: Look['kind'], isLog: boolean): object {
  if (look.isSignedLog && points.some(({ y }) => y !== 0)) return signedLogAxis(points, look);
  const scale = isLog ? { type: 'log' } : { zero: kind === 'bar' };
  const axis = { format: formatOf(points.map(({ y }) => y)) };
  // Stacked bars would show a sum of runs, which means nothing.
  return { field: 'y', type: 'quantitative', title: clean(look.y), scale, axis, stack: null };
}

/** Below the smallest value it is linear; its ticks are powers of ten. */
function signedLogAxis(points: readonly Point[], look: Look): object {
  const ends = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]);
  const [least, greatest] = extent(ends);
  const sizes = points.map(({ y }) => Math.abs(y)).filter((size) => size > 0);
  const first = Math.max(SMALLEST_POWER, Math.floor(Math.log10(extent(sizes)[0])));
  const last = Math.ceil(Math.log10(Math.max(...sizes)));
  const powers = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  // The smallest power stands too near to zero for a label.
  const shown = powers.slice(1);
  const values = [...shown.map((power) => -power).reverse(), 0, ...shown].filter(
    (tick) => tick >= Math.min(least, 0) && tick <= Math.max(greatest, 0),
  );
  const scale = { type: 'symlog', constant: 10 ** first };
  const labelExpr = "datum.value === 0 ? '0' : format(datum.value, '.6~f')";
  const axis = { labelExpr, values };
  return { field: 'y', type: 'quantitative', title: clean(look.y), scale, axis, stack: null };
}

/** 20k and 3G for large numbers; small ones as they are, for 0.001 is not "1m" to everyone. */
function formatOf(numbers: readonly number[]): string {
  return extent(numbers.map(Math.abs))[1] >= 10_000 ? '~s' : '.6~g';
}

/** Whether values ask for a logarithmic axis: all positive, the largest many times the smallest. */
export function isWide(numbers: readonly number[]): boolean {
  const [least, greatest] = extent(numbers);
  return least > 0 && greatest / least > LOG_RATIO;
}
