/** Stopping and resuming runs, as a person in a terminal would. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { runAtWork, runElsewhere, runNotAtWork } from '../errors.ts';
import type { LockOwner } from '../process-lock.ts';
import type { Run } from '../runs/index.ts';

/** Ends the run's work after its present step, which is saved. */
export function stopRun({ folder, name }: Run): void {
  const owner = folder.owner();
  if (!owner) throw runNotAtWork(name);
  if (!isHere(owner)) throw runElsewhere(name, owner.host);
  process.kill(owner.pid, 'SIGTERM');
}

/** Whether a process can be told to stop: it runs here, and its number is known. */
export function isHere({ pid, host, silentSeconds }: LockOwner): boolean {
  return pid > 0 && host === hostname() && silentSeconds === undefined;
}

/** Begins `calm run` in the run's folder. It goes on when this process ends; what it says is in ui.log there. */
export function resumeRun(
  { folder, name, record }: Run,
  executable: string,
  onProblem: (error: Error) => void,
): void {
  if (folder.owner()) throw runAtWork(name);
  const log = openSync(join(folder.directory, 'ui.log'), 'a');
  try {
    const started = spawn(process.execPath, [executable, 'run', folder.directory], {
      cwd: record && existsSync(record.directory) ? record.directory : folder.directory,
      detached: true,
      stdio: ['ignore', log, log],
    });
    started.on('error', onProblem);
    started.unref();
  } finally {
    closeSync(log);
  }
}
