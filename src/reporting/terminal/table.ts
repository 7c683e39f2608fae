/** Tables for people, as wide as the terminal at most. */

import stringWidth from 'string-width';
import { breakLines, columnsOf } from './width.ts';

const GAP = 2;
/** A column of words is not made narrower than this. */
const NARROWEST = 14;
/** Longer words, such as paths, are broken. */
const LONGEST_WORD = 24;

/**
 * Columns padded to their widest cell, a rule under the head. Columns without any cell are left out. Where the
 * terminal is too narrow, wide cells are broken into lines; where that does not help, each row becomes a list
 * of `head: cell`.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns = columnsOf(process.stdout),
  { hasRule = true }: { readonly hasRule?: boolean } = {},
): string {
  const used = head.map((_, i) => i).filter((i) => rows.some((row) => row[i]) || rows.length === 0);
  const titles = used.map((i) => head[i]);
  const cells = rows.map((row) => used.map((i) => row[i] ?? ''));
  const widths = narrowed(
    titles.map((title, i) => [title, ...cells.map((row) => row[i])]),
    columns,
  );
  return widths ? asColumns(titles, cells, widths, hasRule) : asLists(titles, cells, columns);
}

/** Takes what is too much from the widest columns; undefined where that would break words. */
function narrowed(columns: readonly (readonly string[])[], room: number): readonly number[] | undefined {
  const widths = columns.map(widest);
  const least = columns.map((cells) => {
    const word = widest(cells.flatMap((cell) => cell.split(' ')));
    return Math.max(NARROWEST, Math.min(word, LONGEST_WORD));
  });
  let excess = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - room;
  while (excess > 0) {
    const spare = widths.map((width, i) => (width > least[i] ? width : 0));
    const at = spare.indexOf(Math.max(...spare));
    if (spare[at] === 0) return undefined;
    widths[at]--;
    excess--;
  }
  return widths;
}

const widest = (cells: readonly string[]) => Math.max(0, ...cells.map((cell) => stringWidth(cell)));

function asColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  hasRule: boolean,
): string {
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => `${cell}${' '.repeat(Math.max(0, widths[i] - stringWidth(cell)))}`)
      .join(' '.repeat(GAP))
      .trimEnd();
  const broken = (cells: readonly string[]) => {
    const parts = cells.map((cell, i) =>
      stringWidth(cell) > widths[i] ? breakLines(cell, widths[i], true) : [cell],
    );
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_, row) => line(parts.map((part) => part[row] ?? ''))).join('\n');
  };
  const rule = hasRule ? [line(widths.map((width) => '─'.repeat(width)))] : [];
  return [broken(head), ...rule, ...rows.map(broken)].join('\n');
}

function asLists(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  const widest = Math.max(...head.slice(1).map((title) => stringWidth(title)), 0);
  const list = ([first, ...rest]: readonly string[]) => [
    ...breakLines(first, columns, true),
    ...rest.flatMap((cell, i) => (cell === '' ? [] : cellLines(head[i + 1].padEnd(widest), cell, columns))),
  ];
  return rows.flatMap(list).join('\n');
}

/** The cell beside its title, or below it where that leaves too little room. */
function cellLines(title: string, cell: string, columns: number): string[] {
  const beside = stringWidth(title) + 2 * GAP;
  const isBelow = columns - beside < Math.min(NARROWEST, stringWidth(cell));
  const indent = isBelow ? 2 * GAP : beside;
  const lines = breakLines(cell, columns - indent, true);
  const indented = lines.map((line) => `${' '.repeat(indent)}${line}`);
  if (isBelow) return [`${' '.repeat(GAP)}${title.trimEnd()}`, ...indented];
  return [`${' '.repeat(GAP)}${title}${' '.repeat(GAP)}${lines[0]}`, ...indented.slice(1)];
}
