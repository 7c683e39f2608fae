/** The fields of every stage, as it was run. */

import { type Block, type ReportTable, titledBlocks } from '../blocks.ts';
import { flatSettings, NONE } from '../values.ts';
import { byBase, bySetting, type Variant } from '../variants.ts';

export function configurationBlocks(variants: readonly Variant[]): Block[] {
  const tables = [...byBase(variants)].map(([base, siblings]) => {
    const { uses } = siblings[0];
    return { title: uses === base ? base : `${base}, which uses ${uses}`, table: fieldTable(siblings) };
  });
  return titledBlocks('Configuration', tables);
}

/** One column of values where all settings agree, else one for each. */
function fieldTable(siblings: readonly Variant[]): ReportTable {
  const settings = bySetting(siblings).map(([setting, [{ manifest }]]) => ({
    setting,
    fields: new Map(flatSettings(manifest.config)),
  }));
  const keys = [...new Set(settings.flatMap(({ fields }) => [...fields.keys()]))];
  const valuesOf = (key: string) => settings.map(({ fields }) => fields.get(key) ?? NONE);
  const lines = keys.map((key) => ({ key, values: valuesOf(key) }));
  const isSame = lines.every(({ values }) => values.every((value) => value === values[0]));
  return {
    head: ['field', ...(isSame ? ['value'] : settings.map(({ setting }) => setting || 'value'))],
    rows: lines.map(({ key, values }) => [key, ...(isSame ? values.slice(0, 1) : values)]),
  };
}
