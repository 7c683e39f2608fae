/** What the models wrote. */

import { type Block, heading } from '../blocks.ts';
import { isRecord } from '../rows.ts';
import type { Variant } from '../variants.ts';

/** Of each stage that writes, its first texts. */
const MOST_SAMPLES = 5;

export function sampleBlocks(variants: readonly Variant[]): Block[] {
  const samples = variants.flatMap((variant) => samplesOf(variant));
  return samples.length ? [heading('Samples'), ...samples] : [];
}

function samplesOf({ id, manifest: { metrics, config } }: Variant): Block[] {
  const found = Array.isArray(metrics.samples) ? metrics.samples.filter(isRecord) : [];
  const texts = found.filter(({ text }) => typeof text === 'string');
  const left = texts.length - MOST_SAMPLES;
  const settings = [
    config.prompt === undefined ? '' : `prompt ${JSON.stringify(config.prompt)}`,
    config.temperature === undefined ? '' : `temperature ${config.temperature}`,
  ].filter(Boolean);
  return [
    ...texts.slice(0, MOST_SAMPLES).map(({ text, end }, i): Block => {
      const title = [`${id}, ${i + 1}`, ...settings, ...(typeof end === 'string' ? [`ended by ${end}`] : [])];
      return { kind: 'sample', title: title.join(' · '), text: String(text) };
    }),
    ...(left > 0 ? [{ kind: 'fact', text: `${id}: ${left} more in its samples.json` } as const] : []),
  ];
}
