/** Lists of values that their stages have drawn: the parts of a score, a measure over a setting. */

import { mean } from 'simple-statistics';
import { inside } from '../../../runs/index.ts';
import { formatShare } from '../../format.ts';
import { type Block, figureBlocks, type ReportFigure, type ReportTable } from '../blocks.ts';
import { figureOf, variantFigure } from '../figure.ts';
import { groupBy } from '../group.ts';
import { pointsOf } from '../points.ts';
import { isRecord, type ReportRow } from '../rows.ts';
import { formatValue, intervalPath, NONE } from '../values.ts';
import type { Variant } from '../variants.ts';

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
    const figures: ReportFigure[] = [];
    for (const [base, ofBase] of groupBy(lists, ({ variant }) => variant.base)) {
      const distinct = withoutCopies(ofBase);
      const figure = await drawingOf(distinct, `${base}: ${title}`);
      if (figure) figures.push({ ...figure, beside: tableOf(distinct) });
    }
    blocks.push(...figureBlocks(`${title[0].toUpperCase()}${title.slice(1)}`, figures));
  }
  return blocks;
}

/**
 * Lists that are the same come once: settings that share an autoencoder reconstruct alike, though each was
 * evaluated by itself.
 */
function withoutCopies(lists: readonly DrawnValues[]): DrawnValues[] {
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
  return isOne ? merged.map((list) => ({ ...list, variant: { ...list.variant, setting: '' } })) : merged;
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

/** The lists of one setting beside one another; of several settings the first list of each. */
async function drawingOf(lists: readonly DrawnValues[], title: string): Promise<ReportFigure | undefined> {
  const [{ drawn, labelOf }] = lists;
  const { kind, x, y } = drawn;
  // Parts of a score go over many powers of ten, and some are negative.
  const isSignedLog = drawn.parts !== undefined && !lists.every((list) => isPositive(list));
  const look = { x: labelOf(x).label, y: labelOf(y).label, isSignedLog };
  const plot = { title, kind, x, y, interval: 'interval' } as const;
  const isOneSetting = new Set(lists.map(({ variant }) => variant.setting)).size === 1;
  const figure =
    isOneSetting && new Set(lists.map((list) => list.drawn.of)).size > 1
      ? await figureOf(pointsOf(lists.flatMap(rowsOf), { ...plot, color: WHOSE }), {
          ...{ ...look, title, kind },
          color: '',
        })
      : await firstFigure(lists, plot, look);
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
/** Whose a list is where it does not say: those that do are what it is compared with. */
const MODEL = 'model';

function rowsOf({ variant, drawn: { of = MODEL }, entries }: DrawnValues): ReportRow[] {
  return entries.map((own, index) => ({
    ...{ labels: variant.labels, ids: {}, manifests: {}, curves: {}, costs: [] },
    own: { ...own, [WHOSE]: of },
    entry: { source: `${variant.id} ${of}`, index },
  }));
}

/** A line for each setting and each of its lists: of several seeds the mean. Equal lines come once. */
function tableOf(lists: readonly DrawnValues[]): ReportTable {
  const [{ drawn, labelOf }] = lists;
  const places = [...new Set(lists.flatMap(({ entries }) => entries.map((entry) => entry[drawn.x])))];
  const { label, isShare } = labelOf(drawn.y);
  const shown = (group: readonly DrawnValues[], place: unknown) => {
    const found = group.map(({ entries }) => entries.find((entry) => entry[drawn.x] === place)?.[drawn.y]);
    const values = found.filter((value) => typeof value === 'number');
    return values.length ? (isShare ? formatShare : formatValue)(mean(values)) : NONE;
  };
  const lines = [...groupBy(lists, ({ variant, drawn: { of } }) => JSON.stringify([variant.setting, of])).values()].map(
    (group) => {
      const [{ variant, drawn: { of } }] = group;
      return { setting: variant.setting, of, values: places.map((place) => shown(group, place)) };
    },
  );
  const rows = lines.map(({ setting, of, values }) => {
    const same = lines.filter((other) => other.of === of);
    const isShared = same.length > 1 && same.every((other) => other.values.join() === values.join());
    const isAlone = lines.every((other) => other.of === of);
    const who = [isShared ? '' : setting, of].filter(Boolean).join(', ');
    return [who || (isAlone ? label : MODEL), ...values];
  });
  const distinct = rows.filter(([name], i) => rows.findIndex(([other]) => other === name) === i);
  const head = [labelOf(drawn.x).label, ...places.map(String)];
  // A list of numbers by a setting is read down, the few parts of a score across.
  return drawn.parts ? { head, rows: distinct } : turned({ head, rows: distinct });
}

function turned({ head, rows }: ReportTable): ReportTable {
  const all = [head, ...rows];
  const [first, ...rest] = head.map((_, column) => all.map((row) => row[column]));
  return { head: first, rows: rest };
}
