/** What `calm init` takes where nothing is said, and how a time is written. */

import { minutesInvalid } from '../../errors.ts';

export const STANDARD_MINUTES = 5;

/** Where texts are expected that are not there yet. */
export const STANDARD_CORPUS = 'data/**/*.txt';

/** A year: whatever is longer was not meant. */
const MOST_MINUTES = 525_600;

/** Minutes, more than none. */
export function parseMinutes(text: string): number {
  const minutes = text.trim() === '' ? Number.NaN : Number(text);
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) throw minutesInvalid(text);
  return minutes;
}
