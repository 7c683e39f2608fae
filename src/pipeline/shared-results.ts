/** Results of other runs under the same output folder: a stage with the same fingerprint need not be done again. */

import { readdirSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { linkFile } from '../artifacts/index.ts';
import { type Manifest, readManifest } from './run-folder.ts';

export interface SharedResult {
  /** The finished stage's folder. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Fingerprint → a finished stage of another run. Results that can't be read are passed over. */
export async function findShared(
  output: string,
  exceptRun: string,
): Promise<ReadonlyMap<string, SharedResult>> {
  const found = new Map<string, SharedResult>();
  for (const run of foldersIn(output)) {
    if (run === exceptRun) continue;
    for (const stage of foldersIn(join(output, run))) {
      const directory = join(output, run, stage);
      const manifest = await readManifest(directory).catch(() => undefined);
      if (manifest && !found.has(manifest.fingerprint))
        found.set(manifest.fingerprint, { directory, manifest });
    }
  }
  return found;
}

/** Names of the folders in a folder, hidden ones left out; none where it does not exist. */
export function foldersIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Copies a finished stage; files are shared by hard links where the file system can, for no one writes to them again. */
export async function copyResult(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyResult(source, target);
    else if (entry.name !== 'manifest.json') await linkFile(source, target);
  }
}
