/** A comparison for the terminal, never wider than it. */

import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { formatTable } from '../terminal/table.ts';
import { wrap } from '../terminal/width.ts';
import type { Comparison } from './comparison.ts';
import { differenceTable, legendOf, resultTable, type Table } from './words.ts';

const SHORTEST_NAME = 8;

/** @param columns of the terminal */
export function formatComparison(comparison: Comparison, columns: number): string {
  // A name that is half as wide as the terminal leaves no room for what is said of it.
  const room = Math.max(SHORTEST_NAME, Math.floor(columns / 2) - 2);
  const shown = (name: string) =>
    Number.isFinite(room) ? cliTruncate(name, room, { position: 'middle' }) : name;
  const draw = ({ head, rows }: Table) => formatTable(head.map(shown), rows, columns);
  const [full, brief] = [resultTable(comparison), resultTable(comparison, false)];
  // Values in one line are easier to read than intervals in several.
  const isBrief = widthOf(full) > columns;
  const parts = [
    comparison.differences.length
      ? `What differs\n\n${draw(differenceTable(comparison))}`
      : wrap('', 'Their configurations are the same.', columns),
    `Results\n\n${draw(isBrief ? brief : full)}`,
    [...legendOf(comparison, !isBrief), ...comparison.notes]
      .map((line) => wrap('', line, columns))
      .join('\n'),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function widthOf({ head, rows }: Table): number {
  const lines = formatTable(head, rows, Number.POSITIVE_INFINITY).split('\n');
  return Math.max(...lines.map((line) => stringWidth(line)));
}
