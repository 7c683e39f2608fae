/**
 * What a report reads of a run: for each combination of its matrix the labels, the stages' results, and what
 * the models cost.
 */

import { join } from 'node:path';
import { ownValue } from '../../elements.ts';
import { costsOfRun, type Labels, type ModelCost, type ReportPlot, totalsOf } from '../../pipeline/index.ts';
import { inside, type Manifest, type Run, readMetrics } from '../../runs/index.ts';
import { firstName } from './names.ts';

/** One run of a sweep. */
export interface ReportRow {
  readonly labels: Labels;
  /** Stage, by its name in the configuration → its id in the run folder, finished or not. */
  readonly ids: Readonly<Record<string, string>>;
  /** Finished stage → its manifest. */
  readonly manifests: Readonly<Record<string, Manifest>>;
  /** Finished stage → its metrics.jsonl. */
  readonly curves: Readonly<Record<string, string>>;
  readonly costs: readonly ModelCost[];
  /** Fields of one entry of a list or one line of a curve. */
  readonly own: Readonly<Record<string, unknown>>;
  /** The stage and entry that `own` came from; undefined for a run as a whole. */
  readonly entry?: { readonly source: string; readonly index: number };
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
      ids,
      manifests: Object.fromEntries(found.map(({ base, manifest }) => [base, manifest])),
      curves: Object.fromEntries(found.map(({ base, directory }) => [base, curve(directory)])),
      costs: costs.filter((cost) => JSON.stringify(cost.labels) === JSON.stringify(labels)),
      own: {},
    };
  });
}

/**
 * What a stage itself calls a value: the label that its measure has.
 * @param name `<stage>.<path>`, of several the first; or a key of the list or curve
 */
export function labelOf(
  rows: readonly ReportRow[],
  name: string | readonly string[],
  from?: ReportPlot['rows'],
): string | undefined {
  const first = firstName(name);
  const inside = from && `${'list' in from ? from.list : from.curve}.${first}`;
  return [first, inside ?? first].map((key) => labelAt(rows, key)).find((label) => label !== undefined);
}

function labelAt(rows: readonly ReportRow[], key: string): string | undefined {
  const [stage = '', ...path] = key.split('.');
  return rows.map(({ manifests }) => manifests[stage]?.labels?.[path.join('.')]?.label).find(Boolean);
}

/**
 * A value by name, of several names the first that the row has: an axis of the matrix, a field of the list,
 * `cost.<stage>.<total>`, or `<stage>.<result>`.
 */
export function readValue(row: ReportRow, name: string | readonly string[]): unknown {
  if (typeof name !== 'string')
    return name.map((one) => readValue(row, one)).find((value) => value !== undefined);
  if (Object.hasOwn(row.labels, name)) return row.labels[name];
  const own = inside(row.own, name);
  if (own !== undefined) return own;
  const [first = '', ...rest] = name.split('.');
  if (first === 'cost') return costOf(row, rest);
  return inside(ownValue(row.manifests, first)?.metrics, rest.join('.'));
}

function costOf({ costs }: ReportRow, [stage, total = '']: readonly string[]): number | undefined {
  const cost = costs.find((candidate) => candidate.stage === stage);
  return cost && (totalsOf(cost) as Record<string, number | undefined>)[total];
}

/** The rows of one plot: the runs, or the entries of a list or curve of each. */
export function plotRows(rows: readonly ReportRow[], { rows: from }: Pick<ReportPlot, 'rows'>): ReportRow[] {
  if (!from) return [...rows];
  return rows.flatMap((row) =>
    ('list' in from ? listsOf(row, from.list) : curveOf(row, from.curve)).flatMap(({ source, entries }) =>
      entries.map((own, index) => ({ ...row, own, entry: { source, index } })),
    ),
  );
}

interface Entries {
  readonly source: string;
  readonly entries: readonly Record<string, unknown>[];
}

/** A list without its stage is that of whichever stage has it. */
function listsOf(row: ReportRow, name: string): Entries[] {
  const dot = name.indexOf('.');
  const stages = dot < 0 ? Object.keys(row.manifests) : [name.slice(0, dot)];
  return stages.flatMap((stage) => {
    const list = inside(ownValue(row.manifests, stage)?.metrics, name.slice(dot + 1));
    return Array.isArray(list) ? [{ source: sourceOf(row, stage), entries: list.filter(isRecord) }] : [];
  });
}

function curveOf(row: ReportRow, stage: string): Entries[] {
  const file = ownValue(row.curves, stage);
  return file === undefined
    ? []
    : [{ source: sourceOf(row, stage), entries: readMetrics(file).filter(isRecord) }];
}

function sourceOf({ ids }: ReportRow, stage: string): string {
  return ids[stage] ?? stage;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Axes that only say with which random numbers a run was made. */
export function isSeed(axis: string): boolean {
  return axis === 'seed' || axis.endsWith('.seed');
}
