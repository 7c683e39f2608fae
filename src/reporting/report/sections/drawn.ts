/** Lists of values that their stages have drawn: the parts of a score, a measure over a setting. */

import type { NonEmpty } from '../../../elements.ts';
import { inside } from '../../../runs/index.ts';
import { type Block, figureBlocks, type ReportFigure, type TitledTable } from '../blocks.ts';
import { figureOf, variantFigure } from '../figure.ts';
import { groupBy } from '../group.ts';
import { pointsOf } from '../points.ts';
import { isRecord, type ReportRow } from '../rows.ts';
import { intervalPath } from '../values.ts';
import type { Variant } from '../variants.ts';
import { type Drawn, type DrawnValues, tableOf } from './drawn-table.ts';

export async function drawnBlocks(variants: readonly Variant[]): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const [title, lists] of groupBy(variants.flatMap(listsOf), ({ drawn }) => drawn.title)) {
    const figures: ReportFigure[] = [];
    for (const [base, ofBase] of groupBy(lists, ({ variant }) => variant.base)) {
      const distinct = withoutCopies(ofBase);
      const figure = await drawingOf(distinct, `${base}: ${title}`);
      if (figure) figures.push({ ...figure, beside: tableOf(distinct) });
    }
    blocks.push(...figureBlocks(`${title.charAt(0).toUpperCase()}${title.slice(1)}`, figures));
  }
  return blocks;
}

/** The numbers of what is drawn, without the drawing. */
export function drawnTables(variants: readonly Variant[]): TitledTable[] {
  const titles = groupBy(variants.flatMap(listsOf), ({ drawn }) => drawn.title);
  return [...titles].flatMap(([title, lists]) =>
    [...groupBy(lists, ({ variant }) => variant.base)].map(([base, ofBase]) => ({
      title: `${base}: ${title}`,
      table: tableOf(withoutCopies(ofBase)),
    })),
  );
}

/**
 * Lists that are the same come once: settings that share an autoencoder reconstruct alike, though each was
 * evaluated by itself.
 */
function withoutCopies(lists: NonEmpty<DrawnValues>): NonEmpty<DrawnValues> {
  const contents = ({ drawn, entries }: DrawnValues) => JSON.stringify([drawn, entries]);
  const groups = [...groupBy(lists, contents).values()];
  const whose = (group: readonly DrawnValues[], key: 'name' | 'setting') =>
    [...new Set(group.map(({ variant }) => variant[key]))].join(', ');
  const merged = groups.map((group) => {
    const variant = { ...group[0].variant, name: whose(group, 'name'), setting: whose(group, 'setting') };
    return { ...group[0], variant };
  });
  // Where all settings share all lists, there is nothing to tell apart.
  const isOne = new Set(merged.map(({ variant }) => variant.setting)).size === 1;
  const told = isOne
    ? merged.map((list) => ({ ...list, variant: { ...list.variant, setting: '' } }))
    : merged;
  return told as NonEmpty<DrawnValues>;
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

/** The lists of one setting side by side; of several settings the first list of each. */
async function drawingOf(lists: NonEmpty<DrawnValues>, title: string): Promise<ReportFigure | undefined> {
  const [{ drawn, labelOf }] = lists;
  const { kind, x, y } = drawn;
  // Parts of a score go over many powers of ten, and some are negative.
  const isSignedLog = drawn.parts !== undefined && !lists.every((list) => isPositive(list));
  const look = { x: labelOf(x).label, y: labelOf(y).label, isSignedLog };
  const plot = { title, kind, x, y, interval: 'interval' } as const;
  const isOneSetting = new Set(lists.map(({ variant }) => variant.setting)).size === 1;
  const isCompared = new Set(lists.map((list) => list.drawn.of)).size > 1;
  const figure = await (isOneSetting && isCompared
    ? figureOf(pointsOf(lists.flatMap(rowsOf), { ...plot, color: WHOSE }), {
        ...look,
        title,
        kind,
        color: '',
      })
    : firstFigure(lists, plot, look));
  if (!figure || !isSignedLog) return figure;
  return { ...figure, caption: `The axis is logarithmic on both sides of 0. ${figure.caption}`.trim() };
}

function isPositive({ entries, drawn: { y } }: DrawnValues): boolean {
  return entries.every((entry) => Number(entry[y]) > 0);
}

function firstFigure(
  lists: readonly DrawnValues[],
  plot: Parameters<typeof variantFigure>[2],
  look: Parameters<typeof variantFigure>[3],
): Promise<ReportFigure | undefined> {
  const firsts = [...groupBy(lists, ({ variant }) => variant.id).values()].map(([first]) => first);
  const entriesOf = ({ id }: Variant) => firsts.find((first) => first.variant.id === id)?.entries ?? [];
  return variantFigure(
    firsts.map(({ variant }) => variant),
    entriesOf,
    plot,
    look,
  );
}

const WHOSE = ' whose';

function rowsOf({ variant, drawn: { of = '' }, entries }: DrawnValues): ReportRow[] {
  return entries.map((own, index) => ({
    ...{ labels: variant.labels, ids: {}, manifests: {}, curves: {}, costs: [] },
    own: { ...own, [WHOSE]: of },
    entry: { source: `${variant.id} ${of}`, index },
  }));
}
