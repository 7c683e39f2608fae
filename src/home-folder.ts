/** Paths that begin with `~`. */

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The user's home folder; undefined where there is none, as for a user that the system does not know. */
export function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined;
  }
}

/** `~` and `~/…` in the home folder, other paths as they are; undefined where a home folder is needed and there is none. */
export function expandHome(path: string): string | undefined {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const home = homeFolder();
  return home && join(home, path.slice(1));
}
