import { relative } from 'node:path';

/** A path as it is shown: from the working directory where it lies below it. */
export function shownPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below || '.';
}
