/** Tables for people, as wide as the terminal at most. */

import stringWidth from 'string-width';
import { elementAt } from '../../elements.ts';
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
  const titles = used.map((i) => head[i] ?? '');
  const cells = rows.map((row) => used.map((i) => row[i] ?? ''));
  const widths = narrowed(
    titles.map((title, i) => [title, ...cells.map((row) => elementAt(row, i))]),
    columns,
  );
  return widths ? asColumns(titles, cells, widths, hasRule) : asLists(titles, cells, columns);
}

/** Takes what is too much from the widest columns; undefined where that would break words. */
function narrowed(columns: readonly (readonly string[])[], room: number): readonly number[] | undefined {
  const sizes = columns.map((cells) => {
    const word = widest(cells.flatMap((cell) => cell.split(' ')));
    return { width: widest(cells), least: Math.max(NARROWEST, Math.min(word, LONGEST_WORD)) };
  });
  let excess = sizes.reduce((sum, { width }) => sum + width, GAP * (sizes.length - 1)) - room;
  for (; excess > 0; excess--) {
    const spare = sizes.filter(({ width, least }) => width > least);
    const most = Math.max(...spare.map(({ width }) => width));
    const size = spare.find(({ width }) => width === most);
    if (!size) return undefined;
    size.width--;
  }
  return sizes.map(({ width }) => width);
}

const widest = (cells: readonly string[]) => Math.max(0, ...cells.map((cell) => stringWidth(cell)));

function asColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  hasRule: boolean,
): string {
  const line = (cells: readonly string[]) =>
    widths
      .map((width, i) => [width, elementAt(cells, i)] as const)
      .map(([width, cell]) => `${cell}${' '.repeat(Math.max(0, width - stringWidth(cell)))}`)
      .join(' '.repeat(GAP))
      .trimEnd();
  const broken = (cells: readonly string[]) => {
    const parts = widths
      .map((width, i) => [width, elementAt(cells, i)] as const)
      .map(([width, cell]) => (stringWidth(cell) > width ? breakLines(cell, width, true) : [cell]));
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_, row) => line(parts.map((part) => part[row] ?? ''))).join('\n');
  };
  const rule = hasRule ? [line(widths.map((width) => '─'.repeat(width)))] : [];
  return [broken(head), ...rule, ...rows.map(broken)].join('\n');
}

function asLists(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  const [, ...titles] = head;
  const widest = Math.max(...titles.map((title) => stringWidth(title)), 0);
  const list = ([first = '', ...rest]: readonly string[]) => [
    ...breakLines(first, columns, true),
    ...rest.flatMap((cell, i) =>
      cell === '' ? [] : cellLines(elementAt(titles, i).padEnd(widest), cell, columns),
    ),
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
