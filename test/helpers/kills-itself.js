/**
 * Sends SIGKILL to the process when it is about to rename something to a path that ends in CALM_KILL_AT. For
 * processes
 * that are started with it: NODE_OPTIONS="--import …/kills-itself.js".
 */

import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { rename } = fs;

fs.rename = async (from, to) => {
  if (String(to).endsWith(process.env.CALM_KILL_AT)) process.kill(process.pid, 'SIGKILL');
  return rename(from, to);
};
syncBuiltinESMExports();
