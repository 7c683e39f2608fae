/** Lists of values that their stages have drawn: the parts of a score, a measure over a setting. */

import { inside } from '../../../runs/index.ts';
import { type Block, heading, type ReportFigure, type ReportTable } from '../blocks.ts';
import { figureOf, variantFigure } from '../figure.ts';
import { groupBy } from '../group.ts';
import { pointsOf } from '../points.ts';
import { isRecord, type ReportRow } from '../rows.ts';
import { formatShare, formatValue, intervalPath, NONE } from '../values.ts';
import type { Variant } from '../variants.ts';
import { columnsOf } from './results.ts';

type Labels = NonNullable<Variant['manifest']['labels']>;
type Drawn = NonNullable<Labels[string]['drawn']>;

/** A list of one result, and how it is drawn. */
interface DrawnValues {
  readonly variant: Variant;
  readonly drawn: Drawn;
  readonly entries: readonly Record<string, unknown>[];
  readonly labelOf: (key: string) => Labels[string];
}

export async function drawnBlocks(variants: readonly Variant[]): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const [title, lists] of groupBy(variants.flatMap(listsOf), ({ drawn }) => drawn.title)) {
    const drawings: Block[] = [];
    for (const [base, ofBase] of groupBy(lists, ({ variant }) => variant.base)) {
      const figure = await drawingOf(ofBase, `${base}: ${title}`);
      if (!figure) continue;
      drawings.push({ kind: 'figures', figures: [figure] });
      if (!ofBase[0].drawn.parts) drawings.push({ kind: 'table', table: tableOf(ofBase) });
    }
    if (drawings.length) blocks.push(heading(`${title[0].toUpperCase()}${title.slice(1)}`), ...drawings);
  }
  return blocks;
}

function listsOf(variant: Variant): DrawnValues[] {
  const { metrics, labels = {} } = variant.manifest;
  return Object.entries(labels).flatMap(([path, { drawn }]): DrawnValues[] => {
    const list = drawn && inside(metrics, path);
    if (!drawn || !Array.isArray(list) || list.length === 0) return [];
    const entries = drawn.parts ? partsOf(list, drawn, inside(metrics, intervalPath(path))) : list;
    const labelOf = (key: string) => labels[`${path}.${key}`] ?? { label: key };
    return [{ variant, drawn, entries: entries.filter(isRecord), labelOf }];
  });
}

/** Numbers as entries: which part each is of, and its interval. */
function partsOf(list: readonly unknown[], { x, y, parts = [] }: Drawn, intervals: unknown) {
  return list.map((value, i) => ({ [x]: parts[i], [y]: value, interval: inside(intervals, String(i)) }));
}

/** The lists of one result beside one another; of several results the first list of each. */
function drawingOf(lists: readonly DrawnValues[], title: string): Promise<ReportFigure | undefined> {
  const [{ drawn, labelOf }] = lists;
  const { kind, x, y } = drawn;
  const look = { x: labelOf(x).label, y: labelOf(y).label };
  const plot = { title, kind, x, y, interval: 'interval' } as const;
  const firsts = [...groupBy(lists, (list) => list.variant).values()].map(([first]) => first);
  if (firsts.length === 1 && lists.length > 1) {
    const data = pointsOf(lists.flatMap(rowsOf), { ...plot, color: WHOSE });
    return figureOf(data, { ...look, title, kind, color: '' });
  }
  const entriesOf = ({ id }: Variant) => firsts.find((first) => first.variant.id === id)?.entries ?? [];
  const variants = firsts.map(({ variant }) => variant);
  return variantFigure(variants, entriesOf, plot, look);
}

const WHOSE = ' whose';

function rowsOf({ variant, drawn: { of = '' }, entries }: DrawnValues): ReportRow[] {
  return entries.map((own, index) => ({
    ...{ labels: {}, ids: {}, manifests: {}, curves: {}, costs: [] },
    own: { ...own, [WHOSE]: of },
    entry: { source: `${variant.id} ${of}`, index },
  }));
}

function tableOf(lists: readonly DrawnValues[]): ReportTable {
  const [{ drawn, labelOf }] = lists;
  const [places, label] = [
    new Set(lists.flatMap(({ entries }) => entries.map((entry) => entry[drawn.x]))),
    labelOf(drawn.y),
  ];
  const shown = ({ entries }: DrawnValues, place: unknown) => {
    const value = entries.find((entry) => entry[drawn.x] === place)?.[drawn.y];
    return typeof value === 'number' ? (label.isShare ? formatShare : formatValue)(value) : NONE;
  };
  return {
    head: [
      labelOf(drawn.x).label,
      ...columnsOf(
        lists.map(({ variant }) => variant),
        label.label,
      ),
    ],
    rows: [...places].map((place) => [String(place), ...lists.map((list) => shown(list, place))]),
  };
}
