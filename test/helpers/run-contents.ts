/** What a run folder holds, to compare runs that must end alike. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** These hold times and names. */
const MAY_DIFFER = /^(manifest|run)\.json$/;

/** File → hash, of a whole run folder. Of config.yaml, which names the run, only that it is there. */
export function contentsOf(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !MAY_DIFFER.test(entry.name),
  );
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [
        relative(root, path),
        entry.name === 'config.yaml' ? '' : createHash('sha256').update(readFileSync(path)).digest('hex'),
      ];
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
