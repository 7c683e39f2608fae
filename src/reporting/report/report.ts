/** A report of runs: tables and plots, the paper's numbers beside ours, as one HTML page or as Markdown with SVG files. */

import type { ModelCost, Plan, ReportConfig, ReportPlot } from '../../pipeline/index.ts';
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
export async function sectionOf(plan: Plan, costs: readonly ModelCost[]): Promise<ReportSection> {
  const { config } = plan;
  const report: ReportConfig = config.report ?? { title: config.name, columns: [], plots: [] };
  const rows = rowsOf(plan, costs);
  const plots = [];
  for (const plot of report.plots) {
    const svg = await drawPlot(rows, plot);
    if (svg) plots.push({ title: plot.title, svg, correlation: correlationTable(rows, plot) });
  }
  const { title, source = '', text = '' } = report;
  return {
    title,
    source,
    text: text.trim(),
    table: tableOf(rows, report),
    plots,
    provenance: provenanceOf(plan),
  };
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

function provenanceOf({ config, stages }: Plan): string {
  const done = stages.flatMap(({ manifest }) => (manifest ? [manifest] : []));
  const seconds = done.reduce((sum, manifest) => sum + manifest.seconds, 0);
  const engines = [...new Set(done.flatMap(({ versions }) => (versions.engine ? [versions.engine] : [])))];
  const missing = stages.length - done.length;
  return [
    `${done.length} stages, ${formatSeconds(seconds)} of work`,
    engines.length ? `engine ${engines.join(', ')}` : '',
    `seed ${[...new Set(done.map(({ seed }) => seed))].join(', ')}`,
    missing ? `${missing} stages have not been run` : '',
    `configuration ${config.name}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** All values that the plots show, for scripts. */
export function valuesOf(plan: Plan, costs: readonly ModelCost[]) {
  const rows = rowsOf(plan, costs);
  return (plan.config.report?.plots ?? []).map((plot) => ({
    title: plot.title,
    points: pointsOf(rows, plot),
    correlation: correlationOf(rows, plot),
  }));
}
