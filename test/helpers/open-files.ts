/** Which files this process has open, for tests that none stays open. Only where the system has /proc. */

import { existsSync, readdirSync, readlinkSync } from 'node:fs';

export const CAN_LIST_OPEN_FILES = existsSync('/proc/self/fd');

/** Paths of open files below a folder, one for each descriptor. */
export function openFilesBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/self/fd/${descriptor}`)];
      } catch {
        // The descriptor of the listing itself is gone.
        return [];
      }
    })
    .filter((path) => path.startsWith(`${folder}/`));
}
