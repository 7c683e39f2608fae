/** Locks between processes: a file that holds its owner's process id. A dead owner's lock is taken over. */

import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Takes a lock for this process; whoever removes the file lets it go.
 * @returns nothing, or the living process that holds the lock
 */
export function takeLock(file: string): number | undefined {
  for (;;) {
    if (tryLock(file)) return undefined;
    const owner = ownerOf(file);
    if (isAlive(owner)) return owner;
    rmSync(file, { force: true });
  }
}

/** The living process that holds a lock; undefined where there is none. */
export function lockOwner(file: string): number | undefined {
  const owner = ownerOf(file);
  return isAlive(owner) ? owner : undefined;
}

/** The process id in a lock; not a number where the lock is gone. */
function ownerOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return Number.NaN;
  }
}

/** Creates the lock with its content in one step: a link to a finished file fails where the lock exists. */
function tryLock(file: string): boolean {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A killed process whose parent has not yet looked is still listed; Linux says so in /proc. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
