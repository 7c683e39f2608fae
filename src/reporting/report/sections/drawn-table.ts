/** The numbers of lists that are drawn, as a table. */

import { mean } from 'simple-statistics';
import { elementAt, type NonEmpty } from '../../../elements.ts';
import { formatShare } from '../../format.ts';
import type { ReportTable } from '../blocks.ts';
import { groupBy } from '../group.ts';
import { formatValue, NONE } from '../values.ts';
import type { Variant } from '../variants.ts';

type Labels = NonNullable<Variant['manifest']['labels']>;
export type Drawn = NonNullable<Labels[string]['drawn']>;

/** A list of one result, and how it is drawn. */
export interface DrawnValues {
  readonly variant: Variant;
  readonly drawn: Drawn;
  readonly entries: readonly Record<string, unknown>[];
  readonly labelOf: (key: string) => Labels[string];
}

/** What one setting has: its own list, or that of a baseline. */
interface Line {
  readonly setting: string;
  readonly of: string | undefined;
  readonly values: readonly string[];
}

/** A line for each setting and each of its lists: of several seeds the mean. Equal baselines come once. */
export function tableOf(lists: NonEmpty<DrawnValues>): ReportTable {
  const [{ drawn, labelOf }] = lists;
  const places = [...new Set(lists.flatMap(({ entries }) => entries.map((entry) => entry[drawn.x])))];
  const groups = groupBy(lists, ({ variant, drawn: { of } }) => JSON.stringify([variant.setting, of]));
  const lines = [...groups.values()].map((group): Line => {
    const { variant, drawn: own } = group[0];
    const values = places.map((place) => meanAt(group, place));
    return { setting: variant.setting, of: own.of, values };
  });
  const rows = lines.map((line) => [nameOf(line, lines) || labelOf(drawn.y).label, ...line.values]);
  const distinct = rows.filter(([name], i) => rows.findIndex(([other]) => other === name) === i);
  const table = { head: [labelOf(drawn.x).label, ...places.map(String)], rows: distinct };
  // A list over a setting is read down, the few parts of a score across.
  return drawn.parts ? table : turned(table);
}

function meanAt(group: NonEmpty<DrawnValues>, place: unknown): string {
  const [{ drawn, labelOf }] = group;
  const found = group.map(({ entries }) => entries.find((entry) => entry[drawn.x] === place)?.[drawn.y]);
  const values = found.filter((value) => typeof value === 'number');
  return values.length ? (labelOf(drawn.y).isShare ? formatShare : formatValue)(mean(values)) : NONE;
}

/** The first list is that of the model; the others are what it is compared with. */
function nameOf({ setting, of, values }: Line, lines: readonly Line[]): string {
  const model = elementAt(lines, 0);
  if (of === model.of) return setting || (of ?? '');
  const settingsOf = (whose: string | undefined) =>
    lines.flatMap((line) => (line.of === whose ? [line.setting] : [])).join(', ');
  const isSame = lines.every((other) => other.of !== of || other.values.join() === values.join());
  const isShared = isSame && settingsOf(of) === settingsOf(model.of);
  return [isShared ? '' : setting, of].filter(Boolean).join(', ');
}

function turned({ head, rows }: ReportTable): ReportTable {
  const all = [head, ...rows];
  const [first = [], ...rest] = head.map((_, column) => all.map((row) => elementAt(row, column)));
  return { head: first, rows: rest };
}
