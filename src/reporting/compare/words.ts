/** The tables of a comparison in words, for the terminal and for pages. */

import { formatSeconds, formatShare } from '../format.ts';
import { formatValue, NONE } from '../report/values.ts';
import type { Comparison } from './comparison.ts';
import type { Measured, Result } from './results.ts';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function differenceTable({ columns, differences }: Comparison): Table {
  return {
    head: ['key', ...columns.map(({ name }) => name)],
    rows: differences.map(({ key, values }) => [key, ...values.map((value) => value ?? NONE)]),
  };
}

/** @param hasRanges whether intervals and spreads are shown */
export function resultTable({ columns, results }: Comparison, hasRanges = true): Table {
  return {
    head: ['measure', ...columns.map(({ name }) => name)],
    rows: results.map((result) => [
      `${result.label}${ARROWS[result.better ?? 'none']}`,
      ...result.values.map((value, i) => formatMeasured(value, result, markOf(result, i), hasRanges)),
    ]),
  };
}

const FORMATS = {
  seconds: formatSeconds,
  fraction: formatShare,
  none: (value: number) => formatValue(value),
};
const ARROWS = { higher: ' ↑', lower: ' ↓', none: '' };

function markOf({ best, isClear }: Result, column: number): string {
  if (!best.includes(column)) return '';
  return isClear ? ' *' : ' (*)';
}

const BRACKETS = 'in brackets the 95 % interval, or the least and the greatest of several seeds';
const NO_BRACKETS = '95 % intervals and the spread of seeds: in a wider terminal, or with --json';

/** What the marks and numbers say; nothing of what is not there. */
export function legendOf({ results }: Comparison, areRangesShown = true): string[] {
  const marked = results.filter(({ best }) => best.length > 0);
  const ranges = results.flatMap(({ values }) => values.flatMap((value) => value?.range ?? []));
  const hasRanges = new Set(ranges).size > 1;
  return [
    ...(results.some(({ better }) => better) ? ['↑ higher is better, ↓ lower'] : []),
    ...(marked.some(({ isClear }) => isClear) ? ['* the best'] : []),
    ...(marked.some(({ isClear }) => !isClear)
      ? ['(*) the best, though its interval or spread reaches into another’s']
      : []),
    ...(hasRanges ? [areRangesShown ? BRACKETS : NO_BRACKETS] : []),
  ];
}

function formatMeasured(
  measured: Measured | undefined,
  { unit }: Result,
  mark: string,
  hasRanges: boolean,
): string {
  if (!measured) return NONE;
  if (measured.value === null) return 'not finite';
  const format = FORMATS[unit ?? 'none'];
  const { value, range, count } = measured;
  const isSpread = range && format(range[0]) !== format(range[1]);
  const seeds = count > 1 ? `${count} seeds: ` : '';
  const spread = hasRanges && isSpread ? ` (${seeds}${range.map(format).join(' … ')})` : '';
  return `${format(value)}${mark}${spread}`;
}
