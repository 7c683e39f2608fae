/** What the stages measured: one table a stage, one column for each of its settings. */

import type { Labels } from '../../../runs/index.ts';
import { type Block, heading, type ReportTable } from '../blocks.ts';
import { measureName, titleOf } from '../names.ts';
import { isRecord } from '../rows.ts';
import { formatInterval, formatValue, measuresIn, NONE } from '../values.ts';
import { byBase, type Variant } from '../variants.ts';

export function resultBlocks(variants: readonly Variant[]): Block[] {
  const tables = [...byBase(variants)].flatMap(([base, siblings]): Block[] => {
    const table = measureTable(siblings);
    const lists = listTables(siblings);
    return [
      ...(table.rows.length
        ? [{ kind: 'fact', text: base } as const, { kind: 'table', table } as const]
        : []),
      ...lists.flatMap(({ title, table }): Block[] => [
        { kind: 'fact', text: `${base}: ${title}` },
        { kind: 'table', table },
      ]),
    ];
  });
  return tables.length ? [heading('Results'), ...tables] : [];
}

/** The heads of the columns that several results share. */
export function columnsOf(siblings: readonly Variant[], single: string): string[] {
  return siblings.map(({ name }) => name || single);
}

function measureTable(siblings: readonly Variant[]): ReportTable {
  const measured = siblings.map(
    ({ manifest }) =>
      new Map(measuresIn(manifest.metrics).map((measure) => [measure.path.join('.'), measure] as const)),
  );
  const paths = new Map(measured.flatMap((measures) => [...measures].map(([key, { path }]) => [key, path])));
  return {
    head: ['measure', ...columnsOf(siblings, 'value')],
    rows: [...paths].map(([key, path]) => [
      measureName(path, labelsOf(siblings)),
      ...measured.map((measures) => {
        const found = measures.get(key);
        const interval = formatInterval(found?.interval);
        return found ? `${formatValue(found.value)}${interval && ` (95 %: ${interval})`}` : NONE;
      }),
    ]),
  };
}

/** The labels of all results of a stage. */
function labelsOf(siblings: readonly Variant[]): Labels {
  return Object.assign({}, ...siblings.map(({ manifest }) => manifest.labels));
}

/** Lists that have no section of their own. */
function listTables(siblings: readonly Variant[]): { title: string; table: ReportTable }[] {
  return siblings.flatMap(({ name, manifest: { metrics, labels = {} } }) =>
    listsIn(metrics)
      .filter(({ path }) => !labels[path]?.drawn && !labels[path]?.texts)
      .map(({ path, entries }) => ({
        title: `${titleOf(path)}${name && `, ${name}`}`,
        table: entryTable(entries, (key) => labels[`${path}.${key}`]?.label ?? titleOf(key)),
      })),
  );
}

interface List {
  readonly path: string;
  readonly entries: readonly Record<string, unknown>[];
}

function listsIn(metrics: Readonly<Record<string, unknown>>, before = ''): List[] {
  return Object.entries(metrics).flatMap(([key, value]): List[] => {
    const path = `${before}${key}`;
    if (isRecord(value)) return listsIn(value, `${path}.`);
    return Array.isArray(value) && value.length && value.every(isRecord) ? [{ path, entries: value }] : [];
  });
}

function entryTable(entries: List['entries'], titled: (key: string) => string): ReportTable {
  const keys = [...new Set(entries.flatMap(Object.keys))];
  return {
    head: keys.map(titled),
    rows: entries.map((entry) => keys.map((key) => formatValue(entry[key]))),
  };
}
