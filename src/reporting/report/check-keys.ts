/**
 * Whether everything that a report asks for exists. A key that no finished run has is an error; one of a
 * stage that
 * has not been run yet is not, for it may come.
 */

import { reportKeyUnknown, reportKeyUnsuited } from '../../errors.ts';
import type { ReportConfig, ReportPlot } from '../../pipeline/index.ts';
import type { Run } from '../../runs/index.ts';
import { isRecord, plotRows, type ReportRow, readValue } from './rows.ts';

type Names = string | readonly string[];
const listed = (names: Names): readonly string[] => (typeof names === 'string' ? [names] : names);

/** Throws where a key exists in no run. @returns what can't be shown yet, in words */
export function checkKeys(run: Run, rows: readonly ReportRow[], report: ReportConfig): string[] {
  const of = { run: run.name, file: run.record?.file ?? run.folder.directory };
  for (const column of report.columns) checkName({ ...of, where: 'columns' }, rows, column);
  return report.plots.flatMap((plot) => checkPlot({ ...of, where: `plot "${plot.title}"` }, rows, plot));
}

/** Rows whose keys are listed in an error; a curve may have millions. */
const ENOUGH = 1000;

interface Place {
  readonly run: string;
  readonly file: string;
  /** The part of the report that asks. */
  readonly where: string;
}

function checkPlot(place: Place, rows: readonly ReportRow[], plot: ReportPlot): string[] {
  const pending = (stages: Iterable<string>) => {
    const names = [...new Set(stages)].join(', ');
    return names ? [`Not drawn yet: “${plot.title}” needs ${names}, which has not been run.`] : [];
  };
  if (plot.rows && !checkSource(place, rows, plot.rows)) return pending(sourceStages(rows, plot.rows));
  const entries = plotRows(rows, plot);
  if (plot.rows && entries.length === 0) return [`Not drawn: “${plot.title}” has no entries.`];
  const asked = [plot.x, plot.y, ...(plot.color === undefined ? [] : [plot.color])];
  for (const name of [...asked, ...(plot.interval === undefined ? [] : [plot.interval])].flatMap(listed))
    checkName(place, entries, name);
  checkKind(place, entries, plot.x, 'a number or a text', isPlace);
  checkKind(place, entries, plot.y, 'a number', isNumber);
  if (plot.color !== undefined) checkKind(place, entries, plot.color, 'a number or a text', isPlace);
  if (plot.interval !== undefined)
    checkKind(place, entries, plot.interval, 'a list of two numbers', isInterval);
  const drawable = (row: ReportRow) => asked.slice(0, 2).every((name) => readValue(row, name) !== undefined);
  if (entries.some(drawable)) return [];
  const waiting = pending(asked.slice(0, 2).flatMap((name) => waitsFor(entries, name)));
  return waiting.length ? waiting : [`Not drawn: no run has both values of “${plot.title}”.`];
}

// A number that is not finite is written as null.
const isNumber = (value: unknown) => typeof value === 'number' || value === null;
const isPlace = (value: unknown) =>
  isNumber(value) || typeof value === 'string' || typeof value === 'boolean';
const isInterval = (value: unknown) =>
  value === null || (Array.isArray(value) && value.length === 2 && value.every(isNumber));

/** One name: some run has it, or a stage that has not been run may have it. */
function checkName({ file, run, where }: Place, rows: readonly ReportRow[], name: string): void {
  if (rows.some((row) => readValue(row, name) !== undefined) || waitsFor(rows, name).length) return;
  throw reportKeyUnknown(file, where, name, run, keysOf(rows.slice(0, ENOUGH)));
}

function checkKind(
  { file, where }: Place,
  rows: readonly ReportRow[],
  names: Names,
  wanted: string,
  isWanted: (value: unknown) => boolean,
): void {
  for (const name of listed(names)) {
    const values = rows.map((row) => readValue(row, name)).filter((value) => value !== undefined);
    if (values.every(isWanted)) continue;
    const fitting = keysOf(rows.slice(0, ENOUGH)).filter((key) => {
      const value = rows.map((row) => readValue(row, key)).find((found) => found !== undefined);
      return isWanted(value);
    });
    throw reportKeyUnsuited(file, where, name, wanted, fitting);
  }
}

/** The stages of a name that no run has finished. */
function waitsFor(rows: readonly ReportRow[], names: Names): string[] {
  return listed(names).flatMap((name) => {
    const [first, second] = name.split('.');
    const stage = first === 'cost' ? second : first;
    return stage !== undefined && isPending(rows, stage) ? [stage] : [];
  });
}

function isPending(rows: readonly ReportRow[], stage: string): boolean {
  return (
    rows.some(({ ids }) => Object.hasOwn(ids, stage)) &&
    !rows.some(({ manifests }) => Object.hasOwn(manifests, stage))
  );
}

/** @returns whether the list or curve is there; false where its stage has not been run */
function checkSource(
  { file, run, where }: Place,
  rows: readonly ReportRow[],
  from: NonNullable<ReportPlot['rows']>,
): boolean {
  const [name, available] =
    'list' in from
      ? [from.list, [...new Set(rows.flatMap((row) => keysIn(row).filter(([, value]) => isList(value))))]]
      : [from.curve, rows.flatMap(({ curves }) => Object.keys(curves).map((stage) => [stage] as const))];
  const there = 'list' in from ? hasList(rows, name) : rows.some(({ curves }) => Object.hasOwn(curves, name));
  if (there) return true;
  if (sourceStages(rows, from).length) return false;
  throw reportKeyUnknown(
    file,
    where,
    name,
    run,
    available.map(([key]) => key),
  );
}

function hasList(rows: readonly ReportRow[], name: string): boolean {
  const { length } = plotRows(rows, { rows: { list: name } });
  return length > 0 || rows.some((row) => Array.isArray(readValue(row, name)));
}

/** The stages that may still bring a list or curve. */
function sourceStages(rows: readonly ReportRow[], from: NonNullable<ReportPlot['rows']>): string[] {
  const name = 'list' in from ? from.list : from.curve;
  if ('curve' in from || name.includes('.')) return waitsFor(rows, name);
  return [...new Set(rows.flatMap(({ ids }) => Object.keys(ids)))].filter((stage) => isPending(rows, stage));
}

const isList = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isRecord);

/** Every key that some run has a value for. */
function keysOf(rows: readonly ReportRow[]): string[] {
  const keys = rows.flatMap((row) => [
    ...Object.keys(row.labels),
    ...nested(row.own, '').map(([key]) => key),
    ...keysIn(row).map(([key]) => key),
    ...row.costs.flatMap(({ stage }) => COSTS.map((total) => `cost.${stage}.${total}`)),
  ]);
  return [...new Set(keys)].filter((key) => rows.some((row) => readValue(row, key) !== undefined));
}

const COSTS = [
  'parameters',
  'frozenParameters',
  'trainingFlopsPerToken',
  'inferenceFlopsPerToken',
  'trainingFlops',
];

function keysIn({ manifests }: ReportRow): [key: string, value: unknown][] {
  return Object.entries(manifests).flatMap(([stage, { metrics }]) => nested(metrics, `${stage}.`));
}

function nested(value: Record<string, unknown>, before: string): [key: string, value: unknown][] {
  return Object.entries(value).flatMap(([key, inner]) =>
    isRecord(inner) ? nested(inner, `${before}${key}.`) : [[`${before}${key}`, inner] as [string, unknown]],
  );
}
