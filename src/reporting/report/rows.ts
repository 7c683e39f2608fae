/** What a report reads of a run: for each combination of its matrix the labels, the stages' results, and what the models cost. */

import { join } from 'node:path';
import { costsOfRun, type Labels, type ModelCost, type ReportPlot, totalsOf } from '../../pipeline/index.ts';
import type { Manifest, Run } from '../../runs/index.ts';
import { readMetrics } from '../metrics-file.ts';

/** One run of a sweep. */
export interface ReportRow {
  readonly labels: Labels;
  /** Stage, by its id in the configuration → its manifest. */
  readonly manifests: Readonly<Record<string, Manifest>>;
  /** Stage → its metrics.jsonl. */
  readonly curves: Readonly<Record<string, string>>;
  readonly costs: readonly ModelCost[];
  /** Fields of one entry of a list or one line of a curve. */
  readonly own: Readonly<Record<string, unknown>>;
}

export function rowsOf(run: Run): ReportRow[] {
  const costs = costsOfRun(run);
  return run.cells.map(({ labels, ids }) => {
    const found = Object.entries(ids).flatMap(([base, id]) => {
      const { manifest, directory } = run.stage(id) ?? {};
      return manifest && directory ? [{ base, manifest, directory }] : [];
    });
    const curve = (directory: string) => join(directory, 'metrics.jsonl');
    return {
      labels,
      manifests: Object.fromEntries(found.map(({ base, manifest }) => [base, manifest])),
      curves: Object.fromEntries(found.map(({ base, directory }) => [base, curve(directory)])),
      costs: costs.filter((cost) => JSON.stringify(cost.labels) === JSON.stringify(labels)),
      own: {},
    };
  });
}

/** A value by name, of several names the first that the row has: an axis of the matrix, a field of the list, `cost.<stage>.<total>`, or `<stage>.<result>`. */
export function readValue(row: ReportRow, name: string | readonly string[]): unknown {
  if (typeof name !== 'string')
    return name.map((one) => readValue(row, one)).find((value) => value !== undefined);
  if (name in row.labels) return row.labels[name];
  const own = inside(row.own, name);
  if (own !== undefined) return own;
  const [first, ...rest] = name.split('.');
  if (first === 'cost') return costOf(row, rest);
  const stage = Object.keys(row.manifests).find((base) => base === first);
  return stage === undefined ? undefined : inside(row.manifests[stage].metrics, rest.join('.'));
}

function costOf({ costs }: ReportRow, [stage, total]: readonly string[]): number | undefined {
  const cost = costs.find((candidate) => candidate.stage === stage);
  return cost && (totalsOf(cost) as Record<string, number | undefined>)[total];
}

function inside(value: unknown, path: string): unknown {
  if (path === '') return value;
  return path
    .split('.')
    .reduce<unknown>(
      (found, key) =>
        typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined,
      value,
    );
}

/** The rows of one plot: the runs, or the entries of a list or curve of each. */
export function plotRows(rows: readonly ReportRow[], { rows: from }: ReportPlot): ReportRow[] {
  if (!from) return [...rows];
  return rows.flatMap((row) => entriesOf(row, from).map((own) => ({ ...row, own })));
}

function entriesOf(row: ReportRow, from: NonNullable<ReportPlot['rows']>): Record<string, unknown>[] {
  if ('list' in from) {
    const [stage, ...rest] = from.list.split('.');
    // A list without its stage: of whichever stage has it.
    const found = rest.length
      ? [readValue(row, `${stage}.${rest.join('.')}`)]
      : Object.values(row.manifests).map(({ metrics }) => metrics[stage]);
    return found.flatMap((list) => (Array.isArray(list) ? (list as Record<string, unknown>[]) : []));
  }
  const file = row.curves[from.curve];
  return file ? readMetrics(file) : [];
}
