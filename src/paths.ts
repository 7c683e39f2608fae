/** Paths as people write them: relative to a folder, or to their home folder by `~`. */

import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { homeUnknown, notRegularFile } from './errors.ts';

/** The user's home folder; undefined where there is none, as for a user that the system does not know. */
export function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined;
  }
}

/** `~` and `~/…` in the home folder, other paths as they are. A file that is really called `~` is `./~`. */
export function expandHome(path: string): string {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const home = homeFolder();
  if (home === undefined) throw homeUnknown(path);
  return join(home, path.slice(1));
}

/** Makes a path absolute. */
export function resolvePath(base: string, path: string): string {
  return resolve(base, expandHome(path));
}

/**
 * The absolute path of a file that is to be written. A pipe in a folder, which would be waited for, is
 * refused.
 */
export function targetFile(path: string): string {
  const file = resolvePath(process.cwd(), path);
  const isDevice = /^\/(dev|proc)\//.test(file);
  if (!isDevice && statSync(file, { throwIfNoEntry: false })?.isFIFO()) throw notRegularFile(file);
  return file;
}
