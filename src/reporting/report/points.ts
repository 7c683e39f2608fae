/**
 * The points of a plot: runs that share a place are one point, their mean with its spread; the paper's
 * numbers stand beside.
 */

import { extent, mean } from 'simple-statistics';
import type { NonEmpty } from '../../elements.ts';
import { notesOf } from './captions.ts';
import { groupBy } from './group.ts';
import { type Measured, measure, type Point, type PointPlot } from './measured.ts';
import { unplaced, withPaper } from './paper.ts';
import type { ReportRow } from './rows.ts';

export interface PlotData {
  readonly points: readonly Point[];
  /** What has to be said below the plot. */
  readonly notes: readonly string[];
}

/** What is drawn: our values with their spread or interval, and the paper's where it has some. */
export function pointsOf(rows: readonly ReportRow[], plot: PointPlot): PlotData {
  const { measured, numLeftOut } = measure(rows, plot);
  const groups = [...groupsOf(measured, plot).values()];
  const whole = inOrder(measured, groups.map(merge));
  const ours = thinned(whole);
  return {
    points: withPaper(ours, plot),
    notes: [
      ...notesOf(ours, groups, plot, numLeftOut),
      ...thinNote(whole, ours),
      ...unplaced(rows, ours, plot),
    ],
  };
}

/** All results that a plot shows, each once, as pairs of numbers. */
export function pairsOf(rows: readonly ReportRow[], plot: PointPlot): [x: number, y: number][] {
  const groups = groupsOf(measure(rows, plot).measured, plot).values();
  return [...groups].flat().map(({ x, y }) => [Number(x), y]);
}

/** No page needs more points of one colour than this. */
const MOST_POINTS = 1000;

/** Of very many points every so manieth, and the last. */
function thinned(points: readonly Point[]): Point[] {
  return [...groupBy(points, ({ color }) => color).values()].flatMap((series) => {
    const every = Math.ceil(series.length / MOST_POINTS);
    return series.filter((_, i) => i % every === 0 || i === series.length - 1);
  });
}

function thinNote(whole: readonly Point[], shown: readonly Point[]): string[] {
  return shown.length < whole.length ? [`${shown.length} of ${whole.length} points are drawn.`] : [];
}

/**
 * Results that would be drawn in one place. Entries of one list stay apart in a plot of
 * points, and all results in one that gives a correlation.
 */
function groupsOf(
  measured: readonly Measured[],
  { kind, correlation }: PointPlot,
): Map<string, NonEmpty<Measured>> {
  const groups = new Map<string, NonEmpty<Measured>>();
  const seen = new Set<string>();
  const numBefore = new Map<string, number>();
  for (const result of measured) {
    const { x, color, source, index } = result;
    const place = JSON.stringify([String(x), color]);
    const itself = JSON.stringify([place, source, index]);
    if (seen.has(itself)) continue;
    seen.add(itself);
    const fromHere = JSON.stringify([place, source]);
    const nth = numBefore.get(fromHere) ?? 0;
    numBefore.set(fromHere, nth + 1);
    const key = correlation ? itself : kind === 'point' ? `${place} ${nth}` : place;
    const group = groups.get(key);
    if (group) group.push(result);
    else groups.set(key, [result]);
  }
  return groups;
}

function merge(group: NonEmpty<Measured>): Point {
  const [{ x, y, color, ...own }] = group;
  const place = { x, ...(color === undefined ? {} : { color }) };
  if (group.length === 1)
    return {
      ...place,
      y,
      who: 'ours',
      ...(own.low === undefined ? {} : { low: own.low, high: own.high as number }),
    };
  const values = group.map((result) => result.y);
  const [low, high] = extent(values);
  return {
    ...place,
    y: mean(values),
    who: 'ours',
    low,
    high,
    runs: group.length,
  };
}

/** By x where every run goes through its own that way; as they come where a curve turns back. */
function inOrder(measured: readonly Measured[], points: readonly Point[]): Point[] {
  const last = new Map<string, number>();
  for (const { x, source, color } of measured) {
    const key = JSON.stringify([source, color]);
    const before = last.get(key);
    if (!Number.isFinite(Number(x)) || (before !== undefined && Number(x) < before)) return [...points];
    last.set(key, Number(x));
  }
  return points.toSorted((a, b) => Number(a.x) - Number(b.x));
}
