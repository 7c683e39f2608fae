/** The results that a plot shows, one by one. */

import { ownValue } from '../../elements.ts';
import type { ReportPlot } from '../../pipeline/index.ts';
import { plotRows, type ReportRow, readValue } from './rows.ts';

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

export type PointPlot = Pick<ReportPlot, 'rows' | 'x' | 'y'> & Partial<ReportPlot>;

/** One result, before those that share a place are put together. */
export interface Measured extends Omit<Point, 'who' | 'runs'> {
  readonly labels: ReportRow['labels'];
  /** The stage that it is a result of; a stage that several runs share counts once. */
  readonly source: string;
  readonly index: number;
}

/** Every result that has a place. What is not finite is counted and left out. */
export function measure(rows: readonly ReportRow[], plot: PointPlot) {
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
  const id = base === undefined ? undefined : ownValue(row.ids, base);
  return { source: id ?? JSON.stringify(row.labels), index: 0 };
}
