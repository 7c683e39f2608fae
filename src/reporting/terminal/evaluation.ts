/** What one question to a stage found: its labelled numbers, and tables of lists. */

import { inside, type Label, type Labels } from '../../runs/index.ts';
import { formatSetting } from '../format.ts';
import { formatMeasure, measuredIn, measureTable } from './measures.ts';
import { formatTable } from './table.ts';

type Entry = Readonly<Record<string, unknown>>;

/** A list of results: the labels of what each was measured at, and of what was measured. */
interface List {
  readonly entries: readonly Entry[];
  readonly settings: readonly Column[];
  readonly values: readonly Column[];
}

interface Column {
  readonly key: string;
  readonly label: Label;
}

/** Empty where nothing of it has a label. */
export function formatEvaluation(labels: Labels, metrics: Entry, columns: number): string {
  const lines = measureTable(measuredIn(labels, metrics), columns);
  const tables = listsIn(labels, metrics).map((list) => listTables(list, columns));
  return [lines, ...tables].filter(Boolean).join('\n\n');
}

function listsIn(labels: Labels, metrics: Entry): List[] {
  const byParent = new Map<string, Column[]>();
  for (const [path, label] of Object.entries(labels)) {
    const at = path.lastIndexOf('.');
    const [parent, key] = [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
    byParent.set(parent, [...(byParent.get(parent) ?? []), { key, label }]);
  }
  return [...byParent].flatMap(([parent, columns]) => {
    const entries = parent ? inside(metrics, parent) : undefined;
    if (!Array.isArray(entries)) return [];
    const present = columns.filter(({ key }) => entries.some((entry: Entry) => key in entry));
    const settings = present.filter(({ label }) => label.isSetting);
    return [{ entries, settings, values: present.filter(({ label }) => !label.isSetting) }];
  });
}

/** Of two settings, one goes down and the other across, a table for each value. */
function listTables(list: List, columns: number): string {
  const { entries, settings, values } = list;
  const [down, across, ...more] = settings;
  if (down && across && more.length === 0 && distinct(entries, across).length > 1)
    return values.map((value) => crossTable(entries, [down, across], value, columns)).join('\n\n');
  const all = [...settings, ...values];
  return formatTable(
    all.map(({ label }) => label.label),
    entries.map((entry) => all.map((column) => cell(entry, column))),
    columns,
  );
}

function crossTable(
  entries: List['entries'],
  [down, across]: readonly [Column, Column],
  value: Column,
  columns: number,
): string {
  const places = distinct(entries, across);
  const find = (row: unknown, column: unknown) =>
    entries.find((entry) => entry[down.key] === row && entry[across.key] === column);
  const rows = distinct(entries, down).map((row) => [
    cell({ [down.key]: row }, down),
    ...places.map((column) => cell(find(row, column), value)),
  ]);
  const titles = places.map((column) => `${across.label.label} = ${cell({ [across.key]: column }, across)}`);
  return `${value.label.label}\n${formatTable([down.label.label, ...titles], rows, columns)}`;
}

function distinct(entries: readonly Entry[], { key }: Column): unknown[] {
  return [...new Set(entries.map((entry) => entry[key]))];
}

function cell(entry: Entry | undefined, { key, label }: Column): string {
  const value = entry?.[key];
  if (value === undefined) return '–';
  if (typeof value !== 'number') return String(value ?? Number.NaN);
  return label.isSetting ? formatSetting(value) : formatMeasure(value, label.isShare);
}
