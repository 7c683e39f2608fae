/** Paths as people write them: relative to a folder, or to their home folder by `~`. */

import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { CalmError } from './errors.ts';

/** Makes a path absolute. `~` and `~/…` mean the home folder; a file that is really called `~` is `./~`. */
export function resolvePath(base: string, path: string): string {
  if (path !== '~' && !path.startsWith('~/')) return resolve(base, path);
  return resolve(homeFolder(path), path.slice(2));
}

function homeFolder(path: string): string {
  try {
    return homedir();
  } catch {
    throw new CalmError('CALM_HOME_UNKNOWN', `${path}: this user has no home folder.`, {
      hint: 'Write the whole path, or set the environment variable HOME.',
    });
  }
}
