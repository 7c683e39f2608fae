/** How much of the text the autoencoder gives back, with noise on its latents. */

import { type Block, heading, type ReportTable } from '../blocks.ts';
import { variantFigure } from '../figure.ts';
import { inside, isRecord } from '../rows.ts';
import { formatShare, NONE } from '../values.ts';
import { byBase, type Variant } from '../variants.ts';
import { columnsOf } from './results.ts';

export async function reconstructionBlocks(variants: readonly Variant[]): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const [base, siblings] of byBase(variants)) {
    const having = siblings.filter((variant) => noiseOf(variant).length > 0);
    const plot = {
      title: `${base}: reconstruction under noise`,
      kind: 'line',
      x: 'sigma',
      y: 'tokenAccuracy',
    } as const;
    const look = { x: 'σ of the noise on the latents', y: 'reconstruction accuracy' };
    const figure = await variantFigure(having, noiseOf, plot, look);
    if (!figure) continue;
    blocks.push({ kind: 'figures', figures: [figure] }, { kind: 'table', table: noiseTable(having) });
  }
  return blocks.length ? [heading('Reconstruction under noise'), ...blocks] : [];
}

function noiseOf({ manifest: { metrics } }: Variant): Record<string, unknown>[] {
  const found = inside(metrics, 'reconstruction.underNoise') ?? metrics.underNoise;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

function noiseTable(siblings: readonly Variant[]): ReportTable {
  const sigmas = [...new Set(siblings.flatMap(noiseOf).map(({ sigma }) => sigma))];
  const accuracyOf = (variant: Variant, sigma: unknown) => {
    const found = noiseOf(variant).find((entry) => entry.sigma === sigma)?.tokenAccuracy;
    return typeof found === 'number' ? formatShare(found) : NONE;
  };
  return {
    head: ['σ', ...columnsOf(siblings, 'reconstruction accuracy')],
    rows: sigmas.map((sigma) => [String(sigma), ...siblings.map((variant) => accuracyOf(variant, sigma))]),
  };
}
