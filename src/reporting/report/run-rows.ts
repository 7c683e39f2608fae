/** The table that the configuration asks for, and the correlations of its plots. */

import type { ReportConfig, ReportPlot } from '../../pipeline/index.ts';
import type { ReportTable } from './blocks.ts';
import { firstName, titleOf } from './names.ts';
import { paperNumberOf } from './paper.ts';
import { pairsOf } from './points.ts';
import { labelOf, type ReportRow, readValue } from './rows.ts';
import { type Coefficient, correlations } from './statistics.ts';
import { formatValue, NONE } from './values.ts';

/** One line a run: its labels, the paper's number where a plot has one, the results that are asked for. */
export function runTable(rows: readonly ReportRow[], { columns, plots }: ReportConfig): ReportTable {
  const axes = Object.keys(rows[0]?.labels ?? {});
  const published = plots.find(
    ({ paper, x, rows: from, color }) =>
      paper && !from && color === undefined && typeof x === 'string' && axes.includes(x),
  );
  const ofPlots = plots.filter((plot) => !plot.rows).map(({ y }) => firstName(y));
  const shown = columns.length ? columns : [...new Set(ofPlots)];
  if (shown.length === 0) return { head: [], rows: [] };
  const paper = (row: ReportRow) =>
    published && (paperNumberOf(published, row.labels[published.x as string] ?? '')?.toString() ?? NONE);
  return {
    head: [...axes, ...(published ? [`${titleOf(published.y)}, paper`] : []), ...headingsOf(rows, shown)],
    rows: rows.map((row) => [
      ...axes.map((axis) => row.labels[axis] ?? ''),
      ...[paper(row) ?? []].flat(),
      ...shown.map((column) =>
        formatValue(readValue(row, column), column.includes('interval') ? ' … ' : ', '),
      ),
    ]),
  };
}

/** A column's name; an interval is named after what it is of. */
function headingOf(rows: readonly ReportRow[], column: string): string {
  const name = column.replace('.interval.', '.');
  const title = labelOf(rows, name) ?? titleOf(name);
  return column.split('.').includes('interval') ? `${title}, 95 %` : title;
}

/** Two columns of one name are told apart by their stages. */
function headingsOf(rows: readonly ReportRow[], columns: readonly string[]): string[] {
  const plain = columns.map((column) => headingOf(rows, column));
  return columns.map((column) => {
    const name = headingOf(rows, column);
    const [stage] = column.split('.');
    return plain.indexOf(name) === plain.lastIndexOf(name) ? name : `${name} (${stage})`;
  });
}

/** Pearson and Spearman of x and y in words, where the plot asks for them. */
export function correlationOf(
  rows: readonly ReportRow[],
  plot: ReportPlot,
): { name: string; ours: string; paper: string }[] {
  if (!plot.correlation) return [];
  const pairs = pairsOf(rows, plot).filter(([x]) => Number.isFinite(x));
  const found = correlations(pairs);
  if (!found) return [];
  const row = (name: string, { value, interval: [low, high] }: Coefficient) => ({
    name: `${name} (${pairs.length} points)`,
    ours: `${value.toFixed(3)} (95 %: ${low.toFixed(3)} … ${high.toFixed(3)})`,
    paper: plot.paper?.[name]?.toString() ?? '',
  });
  return [row('Pearson', found.pearson), row('Spearman', found.spearman)];
}

export function correlationTable(rows: readonly ReportRow[], plot: ReportPlot): ReportTable | undefined {
  const found = correlationOf(rows, plot);
  return found.length
    ? {
        head: ['correlation', 'paper', 'ours'],
        rows: found.map(({ name, paper, ours }) => [name, paper, ours]),
      }
    : undefined;
}
