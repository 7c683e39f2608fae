/** What has to be said below a plot. */

import { extent } from 'simple-statistics';
import type { NonEmpty } from '../../elements.ts';
import type { Measured, Point, PointPlot } from './measured.ts';
import { isSeed } from './rows.ts';

/** How points came to be: means, intervals, what was left out. */
export function notesOf(
  points: readonly Point[],
  groups: readonly NonEmpty<Measured>[],
  { interval }: PointPlot,
  numLeftOut: number,
): string[] {
  const merged = groups.filter((group) => group.length > 1);
  const hasOwn = points.some(({ low, runs }) => low !== undefined && runs === undefined);
  return [
    ...(merged.length ? [spreadNote(merged)] : []),
    ...(hasOwn && interval !== undefined
      ? [
          merged.length
            ? 'A point of one run has the interval of that run.'
            : 'Whiskers: the interval of each run.',
        ]
      : []),
    ...(numLeftOut
      ? [`${numLeftOut} ${numLeftOut === 1 ? 'value is' : 'values are'} not finite and left out.`]
      : []),
  ];
}

/** How many results are in a point, and in what they differ. */
function spreadNote(merged: readonly NonEmpty<Measured>[]): string {
  const [least, most] = extent(merged.map(({ length }) => length));
  const count = least === most ? String(most) : `${least} to ${most}`;
  const axes = [...new Set(merged.flatMap(differingAxes))];
  const isSeeds = axes.length > 0 && axes.every(isSeed);
  const what = isSeeds
    ? `${count} seeds`
    : axes.length
      ? `${count} runs that differ in ${axes.join(', ')}`
      : `${count} results of one run`;
  return `Mean of ${what}; whiskers reach from the least to the greatest.`;
}

function differingAxes(group: NonEmpty<Measured>): string[] {
  const axes = Object.keys(group[0].labels);
  return axes.filter((axis) => new Set(group.map(({ labels }) => labels[axis])).size > 1);
}
