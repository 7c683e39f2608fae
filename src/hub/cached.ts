/**
 * What of the hub lies on this machine, in the layout of Hugging Face's cache: `refs/` names commits, `snapshots/`
 * holds the files of each by links into `blobs/`. Beside them, in `.calm/`, what files a commit has.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HubAddress } from './address.ts';
import { hubCache } from './settings.ts';

export interface HubFile {
  /** With `/`, inside the repository. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-1 of git's blob. */
  readonly oid: string;
  /** Of a file that git keeps elsewhere. */
  readonly sha256?: string;
}

export interface HubCommit {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const COMMIT = /^[0-9a-f]{40}$/;

/** The folder of a repository in the cache. */
export function repositoryFolder({ type, name }: HubAddress): string {
  return join(hubCache(), [`${type}s`, ...name.split('/')].join('--'));
}

export const refFile = (address: HubAddress) => join(repositoryFolder(address), 'refs', address.revision);

export const listingFile = (address: HubAddress, commit: string) =>
  join(repositoryFolder(address), '.calm', `${commit}.json`);

export const snapshotFolder = (address: HubAddress, commit: string) =>
  join(repositoryFolder(address), 'snapshots', commit);

/** What a commit holds and which one a revision was when it was last asked for; undefined where it never was. */
export function cachedCommit(address: HubAddress, known?: string): HubCommit | undefined {
  const commit = known ?? (COMMIT.test(address.revision) ? address.revision : textOf(refFile(address)));
  const listing = commit && textOf(listingFile(address, commit));
  if (!commit || !listing) return undefined;
  try {
    return { commit, files: JSON.parse(listing) as HubFile[] };
  } catch {
    return undefined;
  }
}

/** Where a file of a commit lies once it has been downloaded. */
export const snapshotFile = (address: HubAddress, commit: string, { path }: HubFile) =>
  join(snapshotFolder(address, commit), ...path.split('/'));

export const isHere = (address: HubAddress, commit: string, file: HubFile) =>
  existsSync(snapshotFile(address, commit, file));

/** Its text; undefined where there is no such file. */
export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
