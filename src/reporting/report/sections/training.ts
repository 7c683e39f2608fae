/** Loss curves of everything that was trained. */

import { join } from 'node:path';
import { readMetrics } from '../../metrics-file.ts';
import { type Block, figureBlocks, type ReportFigure } from '../blocks.ts';
import { variantFigure } from '../figure.ts';
import { titleOf } from '../names.ts';
import { isRecord } from '../rows.ts';
import { byBase, type Variant } from '../variants.ts';

/** What is drawn of metrics.jsonl where it is there. */
const CURVES = ['loss', 'validationLoss', 'validationBrierLM'];

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
  for (const y of CURVES) {
    // A single value is no curve; the table of results has it.
    if (![...lines.values()].some((entries) => entries.filter((line) => line[y] !== undefined).length > 1))
      continue;
    const entriesOf = ({ id }: Variant) => (lines.get(id) ?? []).filter((line) => line[y] !== undefined);
    const plot = { title: `${base}: ${titleOf(y)}`, kind: 'line', x: 'step', y } as const;
    const figure = await variantFigure(siblings, entriesOf, plot, {
      x: 'step',
      y: titleOf(y),
      hasSteps: true,
    });
    if (figure) figures.push(figure);
  }
  return figures;
}
