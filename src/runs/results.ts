/**
 * Finished results that stand elsewhere: kept in this run for another configuration, or in a run beside it.
 */

import { dirname, join } from 'node:path';
import { foldersIn } from './folders.ts';
import { problemsOf } from './integrity.ts';
import { readManifest } from './manifest.ts';
import { type KeptResult, RunFolder } from './run-folder.ts';

/**
 * Fingerprint → a finished stage of another run in the same folder. Results that can't be read are passed
 * over.
 */
export async function resultsOfOthers(folder: RunFolder): Promise<ReadonlyMap<string, KeptResult>> {
  const found = new Map<string, KeptResult>();
  const root = dirname(folder.directory);
  for (const name of foldersIn(root)) {
    const other = new RunFolder(join(root, name));
    if (other.directory === folder.directory) continue;
    const placed = await Promise.all(
      foldersIn(other.directory).map(async (id) => {
        const manifest = await readManifest(other.stage(id)).catch(() => undefined);
        return manifest ? [{ directory: other.stage(id), manifest }] : [];
      }),
    );
    for (const result of [...placed.flat(), ...(await other.keptResults())])
      if (!found.has(result.manifest.fingerprint)) found.set(result.manifest.fingerprint, result);
  }
  return found;
}

/** Whether all files of a result are there, by their sizes. */
export async function isWhole({ directory, manifest }: KeptResult): Promise<boolean> {
  return (await problemsOf(directory, manifest.files ?? {}, false)).length === 0;
}
