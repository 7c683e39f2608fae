/** Where installed engines live, and what is there. Loads no tensor library. */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** engine.json: what was installed, and when. */
export interface InstalledEngine {
  readonly name: string;
  readonly packageName: string;
  readonly packageVersion: string;
  /** Of the TensorFlow engines. */
  readonly tensorflowVersion?: string;
  readonly sizeBytes: number;
  readonly installedAt: string;
}

/** What an install takes. */
export interface Costs {
  readonly downloadMegabytes: number;
  readonly diskMegabytes: number;
  readonly minutes: number;
}

/** The folder of all engines: $CALM_CACHE, else the user's cache folder. */
export function enginesFolder(): string {
  const cache =
    process.env.CALM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'calm-lm');
  return join(cache, 'engines');
}

/** The folder of one engine on this platform. @param key all that its files depend on besides */
export function folderOf(key: string): string {
  return join(enginesFolder(), `${key}-${process.platform}-${process.arch}`);
}

/** What is installed in a folder; undefined where nothing whole is. @param folder may throw without a home */
export function installedIn(folder: () => string): InstalledEngine | undefined {
  try {
    return JSON.parse(readFileSync(join(folder(), 'engine.json'), 'utf8')) as InstalledEngine;
  } catch {
    return undefined;
  }
}
