/** What values are called on a page: as their stages name them, or else by their own names in words. */

import type { Labels } from '../../runs/index.ts';

/** What the pipeline counts, of whatever stage. */
const NAMES: Readonly<Record<string, string>> = {
  trainingFlops: 'training FLOPs',
  trainingFlopsPerToken: 'training FLOPs a token',
  inferenceFlopsPerToken: 'inference FLOPs a token',
  tokensPerSecond: 'tokens/s',
};

/** The last part of a name, in words. */
export function titleOf(name: string | readonly string[]): string {
  const last = (typeof name === 'string' ? name : name[0]).split('.').at(-1) as string;
  return Object.hasOwn(NAMES, last) ? NAMES[last] : inWords(last);
}

/** The name of a result by its path in a stage's results; without a label, with what it is part of. */
export function measureName(path: readonly string[], labels: Labels = {}): string {
  const key = path.join('.');
  const around = path.slice(0, -1).map(inWords).join(', ');
  return labels[key]?.label ?? `${titleOf(key)}${around && ` (${around})`}`;
}

/** numWindows → windows, learningRate → learning rate. */
export function inWords(name: string): string {
  return name
    .replace(/^num(?=[A-Z])/, '')
    .replace(
      /([a-z0-9])([A-Z])(?![A-Z])/g,
      (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
    )
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}
