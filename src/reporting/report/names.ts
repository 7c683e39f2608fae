/** What values are called on a page: as their stages name them, or else by their own names in words. */

import { elementAt, ownValue } from '../../elements.ts';
import type { Labels } from '../../runs/index.ts';

/** What the pipeline counts, of whatever stage. */
const NAMES: Readonly<Record<string, string>> = {
  trainingFlops: 'training FLOPs',
  trainingFlopsPerToken: 'training FLOPs a token',
  inferenceFlopsPerToken: 'inference FLOPs a token',
  tokensPerSecond: 'tokens/s',
};

/** Of several names the first. */
export function firstName(name: string | readonly string[]): string {
  return typeof name === 'string' ? name : elementAt(name, 0);
}

/** The last part of a name, in words. */
export function titleOf(name: string | readonly string[]): string {
  const last = firstName(name).split('.').at(-1) as string;
  return ownValue(NAMES, last) ?? inWords(last);
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
