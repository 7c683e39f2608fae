/** Loss curves of everything that was trained. */

import { join } from 'node:path';
import { readMetrics } from '../../metrics-file.ts';
import { type Block, figureBlocks, type ReportFigure } from '../blocks.ts';
import { variantFigure } from '../figure.ts';
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
  for (const [y, title] of curveNames(siblings)) {
    // A single value is no curve; the table of results has it.
    if (![...lines.values()].some((entries) => entries.filter((line) => line[y] !== undefined).length > 1))
      continue;
    const entriesOf = ({ id }: Variant) => (lines.get(id) ?? []).filter((line) => line[y] !== undefined);
    const plot = { title: `${base}: ${title}`, kind: 'line', x: 'step', y } as const;
    const figure = await variantFigure(siblings, entriesOf, plot, {
      x: 'step',
      y: title,
      hasSteps: true,
    });
    if (figure) figures.push(figure);
  }
  return figures;
}

/** What is drawn of metrics.jsonl where it is there: the loss, and what labels say. */
function curveNames(siblings: readonly Variant[]): Map<string, string> {
  const labelled = siblings.flatMap(({ manifest }) =>
    Object.entries(manifest.labels ?? {}).flatMap(([name, { label, isCurve }]) =>
      isCurve ? [[name, label] as const] : [],
    ),
  );
  return new Map([['loss', titleOf('loss')], ...labelled]);
}
