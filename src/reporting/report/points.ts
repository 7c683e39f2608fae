/** The points of a plot: runs that share a place are one point, their mean with its spread; the paper's numbers stand beside. */

import type { ReportPlot } from '../../pipeline/index.ts';
import { groupBy } from './group.ts';
import { isSeed, plotRows, type ReportRow, readValue } from './rows.ts';
import { extentOf } from './statistics.ts';

export interface Point {
  readonly x: string | number;
  readonly y: number;
  readonly color?: string;
  readonly who: 'ours' | 'paper';
  readonly low?: number;
  readonly high?: number;
  /** Of how many results it is the mean, where there are several. */
  readonly runs?: number;
}

export interface PlotData {
  readonly points: readonly Point[];
  /** What has to be said below the plot. */
  readonly notes: readonly string[];
}

type PointPlot = Pick<ReportPlot, 'rows' | 'x' | 'y'> & Partial<ReportPlot>;

/** One result, before those that share a place are put together. */
interface Measured extends Omit<Point, 'who' | 'runs'> {
  readonly labels: ReportRow['labels'];
  /** The stage that it is a result of; a stage that several runs share counts once. */
  readonly source: string;
  readonly index: number;
}

/** What is drawn: our values with their spread or interval, and the paper's where it has some. */
export function pointsOf(rows: readonly ReportRow[], plot: PointPlot): PlotData {
  const { measured, numLeftOut } = measure(rows, plot);
  const groups = [...groupsOf(measured, plot).values()];
  const whole = inOrder(measured, groups.map(merge));
  const ours = thinned(whole);
  const points = ours.flatMap((point) => {
    const published = paperNumber(plot, point);
    return published === undefined ? [point] : [point, paperPoint(point, published)];
  });
  return {
    points,
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

function paperPoint({ x, color }: Point, y: number): Point {
  return { x, y, who: 'paper', ...(color === undefined ? {} : { color }) };
}

function measure(rows: readonly ReportRow[], plot: PointPlot) {
  let numLeftOut = 0;
  const measured = plotRows(rows, plot).flatMap((row): Measured[] => {
    const [x, y] = [readValue(row, plot.x), readValue(row, plot.y)];
    if (x === undefined || y === undefined) return [];
    const isPlace = typeof x === 'string' || typeof x === 'boolean' || Number.isFinite(x);
    if (!isPlace || !Number.isFinite(y)) {
      numLeftOut++;
      return [];
    }
    const color = plot.color === undefined ? undefined : String(readValue(row, plot.color) ?? '–');
    return [
      {
        x: typeof x === 'number' ? x : String(x),
        y: y as number,
        ...(color === undefined ? {} : { color }),
        ...intervalOf(row, plot),
        labels: row.labels,
        ...sourceOf(row, plot),
      },
    ];
  });
  return { measured, numLeftOut };
}

function intervalOf(row: ReportRow, { interval }: PointPlot): { low?: number; high?: number } {
  const found = interval === undefined ? undefined : readValue(row, interval);
  if (!Array.isArray(found) || found.length !== 2 || !found.every(Number.isFinite)) return {};
  return { low: found[0] as number, high: found[1] as number };
}

function sourceOf(row: ReportRow, { y }: PointPlot): { source: string; index: number } {
  if (row.entry) return row.entry;
  const names = typeof y === 'string' ? [y] : y;
  const parts = names.find((name) => readValue(row, name) !== undefined)?.split('.') ?? [];
  const base = parts[0] === 'cost' ? parts[1] : parts[0];
  const source =
    base !== undefined && Object.hasOwn(row.ids, base) ? row.ids[base] : JSON.stringify(row.labels);
  return { source, index: 0 };
}

/**
 * Results that would be drawn in one place. Entries of one list stay apart in a plot of
 * points, and all results in one that gives a correlation.
 */
function groupsOf(measured: readonly Measured[], { kind, correlation }: PointPlot): Map<string, Measured[]> {
  const groups = new Map<string, Measured[]>();
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

function merge(group: readonly Measured[]): Point {
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
  const [low, high] = extentOf(values);
  return {
    ...place,
    y: values.reduce((sum, value) => sum + value / values.length, 0),
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

function notesOf(
  points: readonly Point[],
  groups: readonly (readonly Measured[])[],
  { interval }: PointPlot,
  numLeftOut: number,
): string[] {
  const merged = groups.filter((group) => group.length > 1);
  const hasOwn = points.some(({ low, runs }) => low !== undefined && runs === undefined);
  return [
    ...(merged.length ? [spreadNote(merged)] : []),
    ...(hasOwn && interval !== undefined
      ? [
          merged.length
            ? 'A point of one run has the interval of that run.'
            : 'Whiskers: the interval of each run.',
        ]
      : []),
    ...(numLeftOut
      ? [`${numLeftOut} ${numLeftOut === 1 ? 'value is' : 'values are'} not finite and left out.`]
      : []),
  ];
}

/** How many results are in a point, and in what they differ. */
function spreadNote(merged: readonly (readonly Measured[])[]): string {
  const [least, most] = extentOf(merged.map(({ length }) => length));
  const count = least === most ? String(most) : `${least} to ${most}`;
  const axes = [...new Set(merged.flatMap(differingAxes))];
  const isSeeds = axes.length > 0 && axes.every(isSeed);
  const what = isSeeds
    ? `${count} seeds`
    : axes.length
      ? `${count} runs that differ in ${axes.join(', ')}`
      : `${count} results of one run`;
  return `Mean of ${what}; whiskers reach from the least to the greatest.`;
}

function differingAxes(group: readonly Measured[]): string[] {
  const axes = Object.keys(group[0].labels);
  return axes.filter((axis) => new Set(group.map(({ labels }) => labels[axis])).size > 1);
}

function paperNumber({ paper }: PointPlot, { x, color }: Point): number | undefined {
  const name = paperName(color === undefined ? String(x) : `${x} / ${color}`);
  return Object.entries(paper ?? {}).find(([key]) => paperName(key) === name)?.[1];
}

/** Numbers by what they are worth, so that 1e-3 is 0.001. */
function paperName(text: string): string {
  return text
    .split(' / ')
    .map((part) => (part.trim() !== '' && Number.isFinite(Number(part)) ? String(Number(part)) : part.trim()))
    .join(' / ');
}

/** The paper's number for a label of a plot's x. */
export function paperNumberOf(plot: PointPlot, label: string): number | undefined {
  return paperNumber(plot, { x: label, y: 0, who: 'paper' });
}

const COEFFICIENTS = ['Pearson', 'Spearman'];

/** Numbers of the paper that are for no place of this plot: most often a label that is written otherwise. */
function unplaced(rows: readonly ReportRow[], points: readonly Point[], plot: PointPlot): string[] {
  if (!plot.paper) return [];
  const axis = typeof plot.x === 'string' ? plot.x : undefined;
  const planned = axis === undefined ? [] : rows.flatMap(({ labels }) => labels[axis] ?? []);
  const places = new Set([
    ...planned.map(paperName),
    ...points.map(({ x, color }) => paperName(color === undefined ? String(x) : `${x} / ${color}`)),
  ]);
  const left = Object.keys(plot.paper).filter(
    (key) =>
      !(plot.correlation && COEFFICIENTS.includes(key)) &&
      !places.has(paperName(key)) &&
      !placed(key, places),
  );
  return left.length ? [`The paper’s number for ${left.join(', ')} has no place here.`] : [];
}

/** A number for `x / color` has its place where x is one of the matrix's labels, though it has not been run. */
function placed(key: string, places: ReadonlySet<string>): boolean {
  const cut = key.indexOf(' / ');
  return cut > 0 && places.has(paperName(key.slice(0, cut)));
}
