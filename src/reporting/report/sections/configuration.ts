/** The fields of every stage, as it was run. */

import { type Block, heading, type ReportTable } from '../blocks.ts';
import { formatSetting } from '../values.ts';
import { byBase, type Variant } from '../variants.ts';
import { columnsOf } from './results.ts';

export function configurationBlocks(variants: readonly Variant[]): Block[] {
  const tables = [...byBase(variants)].flatMap(([base, siblings]): Block[] => {
    const table = fieldTable(siblings);
    const { uses } = siblings[0];
    const text = uses === base ? base : `${base}, which uses ${uses}`;
    return table.rows.length
      ? [
          { kind: 'fact', text },
          { kind: 'table', table },
        ]
      : [];
  });
  return tables.length ? [heading('Configuration'), ...tables] : [];
}

/** One column of values where all settings agree, else one for each. */
function fieldTable(siblings: readonly Variant[]): ReportTable {
  const keys = [...new Set(siblings.flatMap(({ manifest }) => Object.keys(manifest.config)))];
  const lines = keys.map((key) => siblings.map(({ manifest }) => formatSetting(manifest.config[key])));
  const isSame = lines.every((values) => values.every((value) => value === values[0]));
  return {
    head: ['field', ...(isSame ? ['value'] : columnsOf(siblings, 'value'))],
    rows: keys.map((key, i) => [key, ...(isSame ? lines[i].slice(0, 1) : lines[i])]),
  };
}
