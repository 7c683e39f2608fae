import type { Split } from '../artifacts/index.ts';

/**
 * The split of a document, counted from 0: every 1/fraction-th one is held out, beginning with the first that
 * makes the fraction whole.
 */
export function splitOf(document: number, fraction: number): Split {
  return Math.floor((document + 1) * fraction) > Math.floor(document * fraction) ? 'validation' : 'train';
}
