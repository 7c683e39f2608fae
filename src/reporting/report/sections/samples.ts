/** What the models wrote. */

import { inside } from '../../../runs/index.ts';
import { type Block, heading } from '../blocks.ts';
import { inWords } from '../names.ts';
import { isRecord } from '../rows.ts';
import type { Variant } from '../variants.ts';

/** Of each stage that writes, its first texts. */
const MOST_SAMPLES = 5;

export function sampleBlocks(variants: readonly Variant[]): Block[] {
  const samples = variants.flatMap((variant) =>
    Object.entries(variant.manifest.labels ?? {}).flatMap(([path, { texts }]) =>
      texts ? samplesOf(variant, path, texts.settings) : [],
    ),
  );
  return samples.length ? [heading('Samples'), ...samples] : [];
}

function samplesOf(
  { id, manifest: { metrics, config } }: Variant,
  path: string,
  settings: readonly string[],
): Block[] {
  const list = inside(metrics, path);
  const found = Array.isArray(list) ? list.filter(isRecord) : [];
  const texts = found.filter(({ text }) => typeof text === 'string');
  const left = texts.length - MOST_SAMPLES;
  const told = settings.flatMap((field) =>
    config[field] === undefined ? [] : [`${inWords(field)} ${JSON.stringify(config[field])}`],
  );
  return [
    ...texts.slice(0, MOST_SAMPLES).map(({ text, end }, i): Block => {
      const title = [`${id}, ${i + 1}`, ...told, ...(typeof end === 'string' ? [`ended by ${end}`] : [])];
      return { kind: 'quote', title: title.join(' · '), text: String(text) };
    }),
    ...(left > 0 ? [{ kind: 'fact', text: `${id}: ${left} more texts` } as const] : []),
  ];
}
