/** The numbers that stand for a run. */

import { extent } from 'simple-statistics';
import { totalsOf } from '../../../pipeline/index.ts';
import { inside } from '../../../runs/index.ts';
import { formatCount, formatNumber, formatSeconds } from '../../format.ts';
import { type Block, type HeadlineNumber, heading } from '../blocks.ts';
import { groupBy } from '../group.ts';

import { formatInterval, formatShare, intervalPath, NONE } from '../values.ts';
import type { Variant } from '../variants.ts';

/** A value of a result, by the label that says that it stands for the run. */
interface Measured {
  readonly variant: Variant;
  readonly path: string;
  readonly name: string;
  readonly value: number;
  readonly format: (value: number) => string;
}

/** One number for each name; of several results the range. */
export function headlineBlocks(variants: readonly Variant[]): Block[] {
  const known = [...groupBy(variants.flatMap(measuredIn), ({ name }) => name)];
  const names = new Set(known.map(([name]) => name));
  const items = [
    ...known.map(([, measured]) => headlineOf(measured)),
    ...saidByStages(variants).filter(({ name }) => !names.has(name)),
    ...sizeOf(variants),
  ];
  return items.length ? [heading('In short'), { kind: 'headline', items }] : [];
}

function measuredIn(variant: Variant): Measured[] {
  const { labels = {}, metrics } = variant.manifest;
  return Object.entries(labels).flatMap(([path, { label: name, isHeadline, isShare }]) => {
    const value = isHeadline ? inside(metrics, path) : undefined;
    const format = isShare ? formatShare : formatNumber;
    return typeof value === 'number' ? [{ variant, path, name, value, format }] : [];
  });
}

/** The best place for a measure is the stage that comes last: the evaluation after the training. */
function headlineOf(measured: readonly Measured[]): HeadlineNumber {
  const last = measured.at(-1) as Measured;
  const siblings = measured.filter(({ variant }) => variant.base === last.variant.base);
  const values = siblings.map(({ value }) => value);
  return {
    name: last.name,
    value: rangeOf(values, last.format),
    beside: siblings.length > 1 ? `${siblings.length} results` : besideOf(last),
  };
}

function rangeOf(values: readonly number[], format: (value: number) => string): string {
  const [least, greatest] = extent(values);
  return format(least) === format(greatest) ? format(least) : `${format(least)} … ${format(greatest)}`;
}

function besideOf({ variant: { manifest }, path, format }: Measured): string {
  const { metrics, labels = {} } = manifest;
  const range = formatInterval(inside(metrics, intervalPath(path)));
  const other = labels[path]?.references?.find(({ value }) => typeof value === 'string');
  const value = typeof other?.value === 'string' ? inside(metrics, other.value) : undefined;
  return [range && `95 %: ${range}`, typeof value === 'number' ? `${other?.label}: ${format(value)}` : '']
    .filter(Boolean)
    .join('; ');
}

/** What stages themselves name as their headline. */
function saidByStages(variants: readonly Variant[]): HeadlineNumber[] {
  const said = variants.flatMap(({ manifest }) => Object.entries(manifest.headline ?? {}));
  const byName = groupBy(said, ([name]) => name);
  return [...byName].map(([name, found]) => ({
    name,
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
