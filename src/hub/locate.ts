/** The paths of what has been downloaded. Asks nobody. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hubNotHere } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { isHubAddress, parseHubAddress } from './address.ts';
import { cachedCommit, isHere, snapshotFile, snapshotFolder } from './cached.ts';
import { chosenFiles } from './chosen-files.ts';

/**
 * The path of what an address of the hub, or another path of a configuration, names.
 * @throws CALM_HUB_NOT_HERE where it has not been downloaded
 */
export function locate(base: string, path: string): string {
  if (!isHubAddress(path)) return resolvePath(base, path);
  const address = parseHubAddress(path);
  const found = cachedCommit(address);
  const place = found && join(snapshotFolder(address, found.commit), ...address.path.split('/'));
  if (!place || !existsSync(place)) throw hubNotHere(path);
  return place;
}

/** The files of a data set that an address names. @throws CALM_HUB_NOT_HERE where one is missing */
export function locateData(text: string): string[] {
  const address = parseHubAddress(text);
  const found = cachedCommit(address);
  if (!found) throw hubNotHere(text);
  const { files } = chosenFiles(address, 'data', found);
  if (!files.every((file) => isHere(address, found.commit, file))) throw hubNotHere(text);
  return files.map((file) => snapshotFile(address, found.commit, file));
}
