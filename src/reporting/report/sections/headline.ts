/** The numbers that stand for a run. */

import { totalsOf } from '../../../pipeline/index.ts';
import { formatCount, formatNumber, formatSeconds } from '../../format.ts';
import { type Block, type HeadlineNumber, heading } from '../blocks.ts';
import { groupBy } from '../group.ts';
import { inWords } from '../names.ts';
import { inside } from '../rows.ts';
import { extentOf } from '../statistics.ts';
import { formatInterval, formatShare, NONE } from '../values.ts';
import type { Variant } from '../variants.ts';

interface Measure {
  readonly name: string;
  /** Where stages have it in their results; the first that is there counts. */
  readonly paths: readonly string[];
  readonly format?: (value: number) => string;
  readonly interval?: string;
  readonly against?: readonly [words: string, path: string];
}

const MEASURES: readonly Measure[] = [
  {
    name: 'BrierLM',
    paths: ['brierlm.brierLM'],
    interval: 'brierlm.interval.brierLM',
    against: ['unigram sampler', 'unigram.brierLM'],
  },
  {
    name: 'reconstruction accuracy',
    paths: ['reconstruction.tokenAccuracy', 'tokenAccuracy'],
    format: formatShare,
  },
  { name: 'energy loss', paths: ['energy.loss'], against: ['context-free', 'energy.contextFreeLoss'] },
  { name: 'perplexity', paths: ['perplexity.perplexity'] },
];

/** One number for each measure; of several results the range. */
export function headlineBlocks(variants: readonly Variant[]): Block[] {
  const known = MEASURES.flatMap((measure) => headlineOf(variants, measure));
  const names = new Set(known.map(({ name }) => name));
  const items = [
    ...known,
    ...saidByStages(variants).filter(({ name }) => !names.has(name)),
    ...sizeOf(variants),
  ];
  return items.length ? [heading('In short'), { kind: 'headline', items }] : [];
}

/** The best place for a measure is the stage that comes last: the evaluation after the training. */
function headlineOf(variants: readonly Variant[], measure: Measure): HeadlineNumber[] {
  const { name, paths, format = formatNumber } = measure;
  for (const path of paths) {
    const having = variants.filter(({ manifest }) => typeof inside(manifest.metrics, path) === 'number');
    const last = having.at(-1);
    if (!last) continue;
    const siblings = having.filter(({ base }) => base === last.base);
    const values = siblings.map(({ manifest }) => inside(manifest.metrics, path) as number);
    return [
      {
        name,
        value: rangeOf(values, format),
        beside: siblings.length > 1 ? rangeWords(siblings) : besideOf(last, measure),
      },
    ];
  }
  return [];
}

function rangeOf(values: readonly number[], format: (value: number) => string): string {
  const [least, greatest] = extentOf(values).map(format);
  return least === greatest ? least : `${least} … ${greatest}`;
}

const rangeWords = ({ length }: readonly Variant[]) => `${length} results`;

function besideOf(
  { manifest: { metrics } }: Variant,
  { interval, against, format = formatNumber }: Measure,
): string {
  const range = interval ? formatInterval(inside(metrics, interval)) : '';
  const other = against ? inside(metrics, against[1]) : undefined;
  return [
    range && `95 %: ${range}`,
    against && typeof other === 'number' ? `${against[0]}: ${format(other)}` : '',
  ]
    .filter(Boolean)
    .join('; ');
}

/** What stages themselves name as their headline. */
function saidByStages(variants: readonly Variant[]): HeadlineNumber[] {
  const said = variants.flatMap(({ manifest }) => Object.entries(manifest.headline ?? {}));
  const byName = groupBy(said, ([name]) => name);
  return [...byName].map(([name, found]) => ({
    name: inWords(name),
    value: rangeOf(
      found.map(([, value]) => value),
      formatNumber,
    ),
    beside: found.length > 1 ? `${found.length} results` : '',
  }));
}

/** The size of the model that was trained last, and the time that all took. */
function sizeOf(variants: readonly Variant[]): HeadlineNumber[] {
  const last = variants.findLast(({ manifest }) => manifest.cost);
  const models = variants.filter(({ base, manifest }) => base === last?.base && manifest.cost);
  const sizes = models.map(({ manifest }) => totalsOf(costOf(manifest.cost)).parameters);
  const seconds = variants.reduce((sum, { manifest }) => sum + manifest.seconds, 0);
  return [
    ...(last ? [{ name: 'parameters', value: rangeOf(sizes, formatCount), beside: last.base }] : []),
    ...(variants.length
      ? [{ name: 'time', value: formatSeconds(seconds) || NONE, beside: 'all stages' }]
      : []),
  ];
}

function costOf(cost: Variant['manifest']['cost']) {
  return { parts: cost?.parts ?? [], trainingTokens: cost?.trainingTokens };
}
