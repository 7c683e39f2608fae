/** The paper's numbers: each at the label that it is for. */

import type { Point, PointPlot } from './measured.ts';
import type { ReportRow } from './rows.ts';

/** Ours, each followed by the paper's where it has one. */
export function withPaper(points: readonly Point[], plot: PointPlot): Point[] {
  return points.flatMap((point) => {
    const published = paperNumber(plot, point);
    return published === undefined ? [point] : [point, paperPoint(point, published)];
  });
}

function paperPoint({ x, color }: Point, y: number): Point {
  return { x, y, who: 'paper', ...(color === undefined ? {} : { color }) };
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
export function unplaced(rows: readonly ReportRow[], points: readonly Point[], plot: PointPlot): string[] {
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

/**
 * A number for `x / color` has its place where x is one of the matrix's labels, though it has not been run.
 */
function placed(key: string, places: ReadonlySet<string>): boolean {
  const cut = key.indexOf(' / ');
  return cut > 0 && places.has(paperName(key.slice(0, cut)));
}
