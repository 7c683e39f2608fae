/** Folders of runs and results: listing, copying, measuring. */

import { readdirSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { linkFile } from '../artifacts/index.ts';

/** Names of the folders in a folder, hidden ones left out; none where it does not exist. */
export function foldersIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    const isFolder = (entry: (typeof entries)[number]) => entry.isDirectory() && !entry.name.startsWith('.');
    return entries
      .filter(isFolder)
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}

/**
 * Copies a folder whose files no one writes to again, so they are shared by hard links where the file system
 * can.
 * @param leftOut names at its top that are not copied
 */
export async function copyFolder(from: string, to: string, leftOut: readonly string[] = []): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (leftOut.includes(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, target);
    else await linkFile(source, target);
  }
}

/**
 * Bytes of a file or folder.
 * @param isShared whether files count that have other hard links; removing them gives nothing back
 */
export async function bytesBelow(path: string, isShared = false): Promise<number> {
  const { size, nlink } = await stat(path);
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return nlink > 1 && !isShared ? 0 : size;
  let bytes = 0;
  for (const { name } of entries) bytes += await bytesBelow(join(path, name), isShared);
  return bytes;
}
