/** Runs side by side: what differs, what was measured, and the numbers that stand for them as points. */

import { elementAt } from '../../../elements.ts';
import type { Column } from '../../compare/columns.ts';
import type { Comparison } from '../../compare/comparison.ts';
import type { Result } from '../../compare/results.ts';
import { differenceTable, legendOf, resultTable } from '../../compare/words.ts';
import { type Block, figureBlocks, heading, type ReportFigure, tableBlocks } from '../blocks.ts';
import { figureOf } from '../figure.ts';
import type { Point } from '../measured.ts';

export async function comparisonBlocks(comparison: Comparison): Promise<Block[]> {
  const { results, notes } = comparison;
  const figures: ReportFigure[] = [];
  // Seeds of one setting are one point.
  const shown = comparison.settings.length > 1 ? results.filter(({ isHeadline }) => isHeadline) : [];
  for (const result of shown) {
    const figure = await pointsOfResult(result, comparison.columns);
    if (figure) figures.push(figure);
  }
  return [
    ...(notes.length ? [{ kind: 'notes', items: notes } as const] : []),
    ...tableBlocks('What differs', differenceTable(comparison)),
    heading('Results side by side'),
    { kind: 'table', table: resultTable(comparison) },
    { kind: 'fact', text: legendOf(comparison).join(' · ') },
    ...figureBlocks('Results as points', figures),
  ];
}

/** One point a column. */
async function pointsOfResult(
  { label, values }: Result,
  columns: readonly Column[],
): Promise<ReportFigure | undefined> {
  const points = values.flatMap((measured, i): Point[] => {
    if (!measured || measured.value === null) return [];
    const { value, range, count } = measured;
    const spread = range ? { low: range[0], high: range[1] } : {};
    return [
      {
        x: elementAt(columns, i).name,
        y: value,
        who: 'ours',
        ...spread,
        ...(count > 1 ? { runs: count } : {}),
      },
    ];
  });
  if (new Set(points.map(({ y }) => y)).size < 2) return undefined;
  const seeds = points.some(({ runs }) => runs)
    ? ['Of several seeds the mean, the least and the greatest.']
    : [];
  const single = points.some(({ low, runs }) => low !== undefined && !runs) ? ['Whiskers: 95 %.'] : [];
  const look = { title: label, kind: 'point', x: '', y: label } as const;
  return figureOf({ points, notes: [...seeds, ...single] }, look);
}
