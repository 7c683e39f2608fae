/** What the models wrote. */

import { elementAt } from '../../../elements.ts';
import { inside, readLogged } from '../../../runs/index.ts';
import { type Block, heading } from '../blocks.ts';
import { inWords } from '../names.ts';
import { isRecord } from '../rows.ts';
import { byBase, bySetting, type Variant } from '../variants.ts';

/** Of each stage that writes, its first texts. */
const MOST_SAMPLES = 5;

/** Of several settings one text each, of several seeds those of the first. */
export function sampleBlocks(variants: readonly Variant[]): Block[] {
  const samples = firstsOf(variants, (siblings) => {
    const most = bySetting(siblings).length > 1 ? 1 : MOST_SAMPLES;
    return (variant) =>
      Object.entries(variant.manifest.labels ?? {}).flatMap(([path, { texts }]) =>
        texts ? samplesOf(variant, path, texts.settings, most) : [],
      );
  });
  const early = firstsOf(variants, () => whileTraining);
  return [
    ...(samples.length ? [heading('Samples'), ...samples] : []),
    ...(early.length ? [heading('Samples while training'), ...early] : []),
  ];
}

/** What the first result of each setting has to show. */
function firstsOf(
  variants: readonly Variant[],
  show: (siblings: readonly Variant[]) => (variant: Variant) => Block[],
): Block[] {
  return [...byBase(variants).values()].flatMap((siblings) =>
    bySetting(siblings).flatMap(([, [first]]) => show(siblings)(first)),
  );
}

/** As many as show how the texts changed: the first, the last, and some between. */
const MOST_STEPS = 8;

/** What a model wrote in the middle of its training, from the same prompt and the same draws each time. */
function whileTraining({ id, directory }: Variant): Block[] {
  const { texts: samples } = readLogged(directory);
  const shown = evenly(samples, MOST_STEPS);
  const left = samples.length - shown.length;
  return [
    ...shown.map(({ step, prompt, text }): Block => {
      const title = `${id}, step ${step}${prompt && ` · prompt ${JSON.stringify(prompt)}`}`;
      return { kind: 'quote', title, text };
    }),
    ...(left > 0 ? [{ kind: 'fact', text: `${id}: ${left} more in its events.jsonl` } as const] : []),
  ];
}

function evenly<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) =>
    elementAt(items, Math.round((i * (items.length - 1)) / (most - 1))),
  );
}

function samplesOf(
  { id, manifest: { metrics, config } }: Variant,
  path: string,
  settings: readonly string[],
  most: number,
): Block[] {
  const list = inside(metrics, path);
  const found = Array.isArray(list) ? list.filter(isRecord) : [];
  const texts = found.filter(({ text }) => typeof text === 'string');
  const left = texts.length - most;
  const told = settings.flatMap((field) =>
    config[field] === undefined ? [] : [`${inWords(field)} ${JSON.stringify(config[field])}`],
  );
  return [
    ...texts.slice(0, most).map(({ text, end }, i): Block => {
      const title = [`${id}, ${i + 1}`, ...told, ...(typeof end === 'string' ? [`ended by ${end}`] : [])];
      return { kind: 'quote', title: title.join(' · '), text: String(text) };
    }),
    ...(left > 0 && most > 1 ? [{ kind: 'fact', text: `${id}: ${left} more texts` } as const] : []),
  ];
}
