import { homedir, userInfo } from 'node:os';
import { isAbsolute, parse } from 'node:path';

/**
 * A user without a home folder, or with an id that is not in the system's list of users, as containers have
 * them, gets the root folder for a home (what is not written there can be read) and `sh` for a shell: Node and
 * oclif throw where either can't be found.
 */
export function standInForUnlistedUser() {
  if (process.platform === 'win32') return;
  if (!attempt(() => isAbsolute(homedir()))) process.env.HOME = parse(process.cwd()).root;
  if (!attempt(userInfo)) process.env.SHELL ||= 'sh';
}

function attempt(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}
