/** What a run folder holds, to compare runs that must end alike. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

/** These hold times and names. */
const MAY_DIFFER = /^(manifest|run)\.json$/;

/**
 * What of a file must be the same: nothing of config.yaml, which names the run; a checkpoint's state but its
 * time.
 */
function comparedOf(path: string): Uint8Array | string {
  const name = basename(path);
  if (name === 'config.yaml') return '';
  const bytes = readFileSync(path);
  if (name !== 'state.json' || bytes.length === 0) return bytes;
  const record = JSON.parse(bytes.toString()) as { state: Record<string, unknown> };
  return JSON.stringify({ ...record, state: { ...record.state, elapsedMs: 0 } });
}

/** File → hash, of a whole run folder. */
export function contentsOf(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !MAY_DIFFER.test(entry.name),
  );
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(root, path), createHash('sha256').update(comparedOf(path)).digest('hex')];
    }),
  );
}

/** Files that are not the same in two runs, or are in one of them alone. */
export function differingFiles(root: string, otherRoot: string): string[] {
  const [found, expected] = [contentsOf(root), contentsOf(otherRoot)];
  return [...new Set([...found.keys(), ...expected.keys()])].filter(
    (file) => found.get(file) !== expected.get(file),
  );
}
