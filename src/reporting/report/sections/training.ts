/** Loss curves of everything that was trained. */

import { join } from 'node:path';
import { readMetrics } from '../../../runs/index.ts';
import { type Block, figureBlocks, type ReportFigure } from '../blocks.ts';
import { variantFigure } from '../figure.ts';
import { groupBy } from '../group.ts';
import { titleOf } from '../names.ts';
import { isRecord } from '../rows.ts';
import { byBase, type Variant } from '../variants.ts';

export async function trainingBlocks(variants: readonly Variant[]): Promise<Block[]> {
  const figures: ReportFigure[] = [];
  for (const [base, siblings] of byBase(variants)) figures.push(...(await curvesOf(base, siblings)));
  return figureBlocks('Training', figures);
}

async function curvesOf(base: string, siblings: readonly Variant[]): Promise<ReportFigure[]> {
  const lines = new Map(
    siblings.map(
      ({ id, directory }) => [id, readMetrics(join(directory, 'metrics.jsonl')).filter(isRecord)] as const,
    ),
  );
  const figures: ReportFigure[] = [];
  // Losses of different models are different measures, and no plot has both.
  for (const y of curveNames(siblings))
    for (const [name, alike] of groupBy(
      siblings,
      ({ manifest }) => manifest.labels?.[y]?.label ?? titleOf(y),
    )) {
      const entriesOf = ({ id }: Variant) => (lines.get(id) ?? []).filter((line) => line[y] !== undefined);
      // A single value is no curve; the table of results has it.
      if (alike.every((variant) => entriesOf(variant).length < 2)) continue;
      const title = `${base}: ${name}${whose(alike, siblings)}`;
      const plot = { title, kind: 'line', x: 'step', y } as const;
      const figure = await variantFigure(alike, entriesOf, plot, { x: 'step', y: name, hasSteps: true });
      if (figure) figures.push(figure);
    }
  return figures;
}

/** Of the only setting that a measure is of. */
function whose(alike: readonly Variant[], all: readonly Variant[]): string {
  const settings = [...new Set(alike.map(({ setting }) => setting))];
  return alike.length < all.length && settings.length === 1 ? ` (${settings[0]})` : '';
}

/** What is drawn of metrics.jsonl where it is there: the loss, and what labels say. */
function curveNames(siblings: readonly Variant[]): Set<string> {
  const labelled = siblings.flatMap(({ manifest }) =>
    Object.entries(manifest.labels ?? {}).flatMap(([name, { isCurve }]) => (isCurve ? [name] : [])),
  );
  return new Set(['loss', ...labelled]);
}
