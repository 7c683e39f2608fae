/** Which files an address means, by what it is for. */

import { join } from 'node:path';
import { hubFileMissing } from '../errors.ts';
import type { HubAddress } from './address.ts';
import { type HubCommit, isHere, snapshotFolder, textOf } from './cached.ts';
import { type DataFiles, dataFiles } from './data-files.ts';
import { type ModelUse, modelFiles } from './model-files.ts';

/** `data` are texts to read. */
export type HubUse = ModelUse | 'data';

/** The card of a repository, which states what the files of a data set are. */
export const CARD = 'README.md';

/** @throws CALM_HUB_FILE_MISSING where nothing is meant */
export function chosenFiles(address: HubAddress, use: HubUse, { commit, files }: HubCommit): DataFiles {
  const card = () => textOf(join(snapshotFolder(address, commit), CARD));
  const chosen =
    use === 'data' ? dataFiles(address, files, card) : { files: modelFiles(address, files, use) };
  if (chosen.files.length > 0) return chosen;
  throw hubFileMissing(
    address.text,
    files.map(({ path }) => path),
  );
}

/** Whether all that is meant lies here. */
export function isComplete(address: HubAddress, use: HubUse, commit: HubCommit): boolean {
  return chosenFiles(address, use, commit).files.every((file) => isHere(address, commit.commit, file));
}
