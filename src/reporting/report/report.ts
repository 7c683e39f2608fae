/** A report of runs: tables and plots, the paper's numbers beside ours, as one HTML page or as Markdown with SVG files. */

import { type ReportConfig, type ReportPlot, reportConfig } from '../../pipeline/index.ts';
import type { Run } from '../../runs/index.ts';
import { formatNumber, formatSeconds } from '../format.ts';
import { correlationOf, drawPlot, pointsOf, titleOf } from './plot.ts';
import { type ReportRow, readValue, rowsOf } from './rows.ts';

export interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ReportSection {
  readonly title: string;
  readonly source: string;
  readonly text: string;
  readonly table: ReportTable;
  readonly plots: readonly {
    readonly title: string;
    readonly svg: string;
    readonly correlation: ReportTable | undefined;
  }[];
  /** What it ran on, how long, and how to do it again. */
  readonly provenance: string;
}

/** The section of one run or sweep. */
export async function sectionOf(run: Run): Promise<ReportSection> {
  const report = reportOf(run);
  const rows = rowsOf(run);
  const plots = [];
  for (const plot of report.plots) {
    const svg = await drawPlot(rows, plot);
    if (svg) plots.push({ title: plot.title, svg, correlation: correlationTable(rows, plot) });
  }
  const { title, source = '', text = '' } = report;
  const table = tableOf(rows, report);
  return { title, source, text: text.trim(), table, plots, provenance: provenanceOf(run) };
}

/** What the configuration that was last run wants to be shown; nothing but its results where it says nothing. */
function reportOf(run: Run): ReportConfig {
  const stated = reportConfig.safeParse(run.record?.report);
  return stated.success ? stated.data : { title: run.name, columns: [], plots: [] };
}

function correlationTable(rows: readonly ReportRow[], plot: ReportPlot): ReportTable | undefined {
  const found = correlationOf(rows, plot);
  return found.length
    ? {
        head: ['correlation', 'paper', 'ours'],
        rows: found.map(({ name, paper, ours }) => [name, paper, ours]),
      }
    : undefined;
}

/** One line a run: its labels, the paper's number where a plot has one, the results that are asked for. */
function tableOf(rows: readonly ReportRow[], { columns, plots }: ReportConfig): ReportTable {
  const axes = Object.keys(rows[0]?.labels ?? {});
  const published = plots.find(
    ({ paper, x, rows: from }) => paper && !from && typeof x === 'string' && axes.includes(x),
  );
  const shown = columns.length
    ? columns
    : plots.filter((plot) => !plot.rows).map(({ y }) => (typeof y === 'string' ? y : y[0]));
  if (shown.length === 0) return { head: [], rows: [] };
  const head = [
    ...axes,
    ...(published ? [`${titleOf(published.y)}, paper`] : []),
    ...shown.map((column) => heading(column)),
  ];
  return {
    head,
    rows: rows.map((row) => [
      ...axes.map((axis) => row.labels[axis]),
      ...(published ? [published.paper?.[row.labels[published.x as string]]?.toString() ?? '–'] : []),
      ...shown.map((column) =>
        formatValue(readValue(row, column), column.includes('interval') ? ' … ' : ', '),
      ),
    ]),
  };
}

/** A column's name; an interval is named after what it is of, and the stage is said where two have the same. */
function heading(column: string): string {
  const parts = column.split('.');
  if (parts.includes('interval')) return `${titleOf(column)}, 95 %`;
  const stage = parts[0] === 'cost' ? parts[1] : parts[0];
  return stage.endsWith('-baseline')
    ? `${titleOf(column)}${parts.includes('sampled') ? ', sampled' : ''} (Transformer)`
    : titleOf(column);
}

function formatValue(value: unknown, between: string): string {
  if (typeof value === 'number') return Math.abs(value) >= 1e7 ? value.toExponential(2) : formatNumber(value);
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'number' ? item.toPrecision(3) : String(item))).join(between);
  return value === undefined ? '–' : String(value);
}

function provenanceOf({ name, stages }: Run): string {
  const done = stages.flatMap(({ manifest }) => (manifest ? [manifest] : []));
  const seconds = done.reduce((sum, manifest) => sum + manifest.seconds, 0);
  const engines = [...new Set(done.flatMap(({ versions }) => (versions.engine ? [versions.engine] : [])))];
  const missing = stages.length - done.length;
  return [
    `${done.length} stages, ${formatSeconds(seconds)} of work`,
    engines.length ? `engine ${engines.join(', ')}` : '',
    `seed ${[...new Set(done.map(({ seed }) => seed))].join(', ')}`,
    missing ? `${missing} stages have not been run` : '',
    `run ${name}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** All values that the plots show, for scripts. */
export function valuesOf(run: Run) {
  const rows = rowsOf(run);
  return reportOf(run).plots.map((plot) => ({
    title: plot.title,
    points: pointsOf(rows, plot),
    correlation: correlationOf(rows, plot),
  }));
}
