/**
 * Says on stderr which files of a run folder a process has open when it exits. For processes that are started
 * with it: NODE_OPTIONS="--import …/says-open-files.js".
 */

import { readdirSync, readlinkSync } from 'node:fs';

const pathOf = (descriptor) => {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
};

process.on('exit', () => {
  const open = readdirSync('/proc/self/fd')
    .map(pathOf)
    .filter((path) => path.includes('/runs/'));
  process.stderr.write(`open at the end: ${open.length}\n${open.join('\n')}\n`);
});
