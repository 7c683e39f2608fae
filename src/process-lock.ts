/**
 * Locks between processes: a file that says its owner's process id, when that process started, and on which machine. A dead owner's lock is taken over; a process that
 * merely has the same id, after a restart of the machine say, is not the owner. Of another machine that shares the disk nothing can be known, so its lock stands.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface LockOwner {
  readonly pid: number;
  /** When it started, as the system counts; empty where that can't be told. */
  readonly started: string;
  readonly host: string;
}

/**
 * Takes a lock for this process; whoever removes the file lets it go.
 * @returns nothing, or who holds the lock
 */
export function takeLock(file: string): LockOwner | undefined {
  for (;;) {
    if (tryLock(file)) return undefined;
    const owner = lockOwner(file);
    if (owner) return owner;
    removeStale(file);
  }
}

/** Takes a stale lock away. Where another process was faster and the lock is its own by now, it is put back. */
function removeStale(file: string): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    if (lockOwner(aside)) linkSync(aside, file);
  } catch {
    // Someone else has taken it away, or the lock.
  } finally {
    rmSync(aside, { force: true });
  }
}

/** The living process that holds a lock; undefined where there is none. */
export function lockOwner(file: string): LockOwner | undefined {
  const owner = ownerOf(file);
  return owner && holds(owner) ? owner : undefined;
}

function ownerOf(file: string): LockOwner | undefined {
  try {
    const [pid, started = '', host = ''] = readFileSync(file, 'utf8').split(' ');
    return { pid: Number(pid), started, host: host || hostname() };
  } catch {
    return undefined;
  }
}

/** Creates the lock with its content in one step: a link to a finished file fails where the lock exists. */
function tryLock(file: string): boolean {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid) ?? ''} ${hostname()}`);
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

function holds({ pid, started, host }: LockOwner): boolean {
  if (host !== hostname()) return true;
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return false;
  const found = startOf(pid);
  return started === '' || found === undefined || found === started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What Linux says of a process after its name, which may hold anything; undefined elsewhere. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** A killed process whose parent has not yet looked is still listed. */
function isZombie(pid: number): boolean {
  return statOf(pid)?.[0] === 'Z';
}

/** Clock ticks from the machine's start to the process's, the 22nd field. */
function startOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}
