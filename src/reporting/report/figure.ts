/** Figures: a plot of points with its caption, asked for by the configuration or standard. */

import type { ReportPlot } from '../../pipeline/index.ts';
import type { Look } from './axes.ts';
import type { ReportFigure } from './blocks.ts';
import { drawPoints } from './plot.ts';
import { type PlotData, pointsOf } from './points.ts';
import type { ReportRow } from './rows.ts';
import { settingTitle, type Variant } from './variants.ts';

/** @returns undefined where there is no point to draw */
export async function figureOf(data: PlotData, look: Look): Promise<ReportFigure | undefined> {
  if (data.points.length === 0) return undefined;
  const hasPaper = data.points.some(({ who }) => who === 'paper');
  const caption = [...(hasPaper ? ['◇ The paper’s numbers.'] : []), ...data.notes].join(' ');
  return { title: look.title, svg: await drawPoints(data.points, look), caption };
}

/** A figure of stages: one colour for each setting, seeds as a mean with its spread. */
export async function variantFigure(
  variants: readonly Variant[],
  entriesOf: (variant: Variant) => readonly Record<string, unknown>[],
  plot: Pick<ReportPlot, 'title' | 'kind'> & {
    readonly x: string;
    readonly y: string;
    readonly interval?: string;
  },
  look: Omit<Look, 'title' | 'kind' | 'color'>,
): Promise<ReportFigure | undefined> {
  const hasSettings = new Set(variants.map(({ setting }) => setting)).size > 1;
  const rows = variants.flatMap((variant) =>
    entriesOf(variant).map((own, index) => rowOf(variant, { ...own, [SETTING]: variant.setting }, index)),
  );
  const data = pointsOf(rows, { ...plot, ...(hasSettings ? { color: SETTING } : {}) });
  const colors = [...new Set(variants.map(({ setting }) => setting))];
  const color = hasSettings ? { color: settingTitle(variants), colors } : {};
  return figureOf(data, { title: plot.title, kind: plot.kind, ...look, ...color });
}

const SETTING = ' setting';

function rowOf({ id, labels }: Variant, own: Record<string, unknown>, index: number): ReportRow {
  return { labels, ids: {}, manifests: {}, curves: {}, costs: [], own, entry: { source: id, index } };
}
