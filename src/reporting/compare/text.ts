/** A comparison for the terminal, never wider than it. */

import { formatTable } from '../terminal/table.ts';
import { wrap } from '../terminal/width.ts';
import type { Comparison } from './comparison.ts';
import { differenceTable, legendOf, resultTable, type Table } from './words.ts';

/** @param columns of the terminal */
export function formatComparison(comparison: Comparison, columns: number): string {
  const draw = ({ head, rows }: Table) => formatTable(head, rows, columns);
  const parts = [
    comparison.differences.length
      ? `What differs\n\n${draw(differenceTable(comparison))}`
      : wrap('', 'Their configurations are the same.', columns),
    `Results\n\n${draw(resultTable(comparison))}`,
    [...legendOf(comparison), ...comparison.notes].map((line) => wrap('', line, columns)).join('\n'),
  ];
  return parts.filter(Boolean).join('\n\n');
}
