/** The four factors of BrierLM: of the model, and of what it is compared with. */

import { type Block, figureBlocks, type ReportFigure } from '../blocks.ts';
import { figureOf, variantFigure } from '../figure.ts';
import { inWords } from '../names.ts';
import { pointsOf } from '../points.ts';
import { inside, isRecord, type ReportRow } from '../rows.ts';
import { byBase, type Variant } from '../variants.ts';

const LOOK = { x: 'length', y: 'Brier score' };

export async function brierBlocks(variants: readonly Variant[]): Promise<Block[]> {
  const figures: ReportFigure[] = [];
  for (const [base, siblings] of byBase(variants)) {
    const having = siblings.filter((variant) => scoresOf(variant).length > 0);
    if (having.length === 0) continue;
    const title = `${base}: the factors of BrierLM`;
    const figure = await (having.length === 1 ? comparison(having[0], title) : ofAll(having, title));
    if (figure) figures.push(figure);
  }
  return figureBlocks('Factors of BrierLM', figures);
}

/** One result: the model beside an untrained one and a unigram sampler. */
function comparison(variant: Variant, title: string): Promise<ReportFigure | undefined> {
  const rows = scoresOf(variant).flatMap(({ who, entries }) =>
    entries.map((own, index): ReportRow => {
      const source = `${variant.id} ${who}`;
      return {
        labels: {},
        ids: {},
        manifests: {},
        curves: {},
        costs: [],
        own: { ...own, who },
        entry: { source, index },
      };
    }),
  );
  const data = pointsOf(rows, { x: 'length', y: 'score', color: 'who', interval: 'interval', kind: 'bar' });
  return figureOf(data, { title, kind: 'bar', ...LOOK, color: '' });
}

/** Several results: the models beside one another. */
function ofAll(variants: readonly Variant[], title: string): Promise<ReportFigure | undefined> {
  const plot = { title, kind: 'bar', x: 'length', y: 'score', interval: 'interval' } as const;
  return variantFigure(variants, (variant) => scoresOf(variant)[0].entries, plot, LOOK);
}

interface Scores {
  readonly who: string;
  readonly entries: Record<string, unknown>[];
}

/** Every score of a stage with its four factors; that of the model is the first. */
function scoresOf({ manifest: { metrics } }: Variant): Scores[] {
  const found = Object.entries({ ...metrics, itself: metrics }).flatMap(([key, score]) =>
    isRecord(score) && Array.isArray(score.brier)
      ? [{ who: key === 'brierlm' || key === 'itself' ? 'model' : inWords(key), entries: entriesOf(score) }]
      : [],
  );
  return found.sort((a, b) => Number(b.who === 'model') - Number(a.who === 'model'));
}

function entriesOf(score: Record<string, unknown>): Record<string, unknown>[] {
  return (score.brier as unknown[]).map((value, i) => ({
    length: i === 0 ? '1 token' : `${i + 1} tokens`,
    score: value,
    interval: inside(score, `interval.brier.${i}`),
  }));
}
