/** What the stages measured: one table a stage, one column for each of its settings. */

import { extent, mean } from 'simple-statistics';
import { elementAt } from '../../../elements.ts';
import type { Labels } from '../../../runs/index.ts';
import { formatNumber } from '../../format.ts';
import { type Block, type ReportTable, type TitledTable, titledBlocks } from '../blocks.ts';
import { measureName, titleOf } from '../names.ts';
import { isRecord } from '../rows.ts';
import { formatInterval, formatValue, measuresIn, NONE } from '../values.ts';
import { byBase, bySetting, type Variant } from '../variants.ts';

export function resultBlocks(variants: readonly Variant[]): Block[] {
  const tables = [...byBase(variants)].flatMap(([base, siblings]): TitledTable[] => [
    { title: base, table: measureTable(siblings) },
    ...listTables(siblings).map(({ title, table }) => ({ title: `${base}: ${title}`, table })),
  ]);
  return titledBlocks('Results', tables);
}

/** One column a setting: seeds are their mean, with the least and the greatest. */
function measureTable(siblings: readonly Variant[]): ReportTable {
  const settings = bySetting(siblings);
  const measured = settings.map(([, variants]) =>
    variants.map(
      ({ manifest }) =>
        new Map(measuresIn(manifest.metrics).map((measure) => [measure.path.join('.'), measure] as const)),
    ),
  );
  const paths = new Map(
    measured.flat().flatMap((measures) => [...measures].map(([key, { path }]) => [key, path])),
  );
  return {
    head: ['measure', ...settings.map(([setting]) => setting || 'value')],
    rows: [...paths].map(([key, path]) => [
      measureName(path, labelsOf(siblings)),
      ...measured.map((results) => cellOf(results.flatMap((measures) => measures.get(key) ?? []))),
    ]),
  };
}

function cellOf(found: readonly { readonly value: unknown; readonly interval: unknown }[]): string {
  const [first] = found;
  if (!first) return NONE;
  const { value, interval } = first;
  const values = found.map((one) => one.value);
  if (found.every((other) => formatValue(other.value) === formatValue(value))) {
    const range = found.length === 1 ? formatInterval(interval) : '';
    return `${formatValue(value)}${range && ` (95 %: ${range})`}`;
  }
  if (values.every((one) => typeof one === 'number')) {
    const spread = extent(values).map(formatNumber).join(' … ');
    return `${formatValue(mean(values))} (${values.length} seeds: ${spread})`;
  }
  if (values.every(isNumbers) && new Set(values.map(({ length }) => length)).size === 1) {
    const means = elementAt(values, 0).map((_, i) => mean(values.map((list) => elementAt(list, i))));
    return `${formatValue(means)} (mean of ${values.length} seeds)`;
  }
  return values.map((one) => formatValue(one)).join('; ');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** The labels of all results of a stage. */
function labelsOf(siblings: readonly Variant[]): Labels {
  return Object.assign({}, ...siblings.map(({ manifest }) => manifest.labels));
}

/** Lists that have no section of their own. */
function listTables(siblings: readonly Variant[]): TitledTable[] {
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
