/**
 * Locks between processes: a file that names its owner, by process id, start time, host and machine. The lock
 * of a process that is dead is taken over; a process
 * that merely has the same id, after a restart of the machine say, is not the owner. Of a process on another
 * machine or in another container, all that can be seen
 * is its heartbeat: the owner writes its file anew every few seconds, and a lock whose file is silent for
 * long is stale.
 */

import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

export interface LockOwner {
  /** 0 where the file does not say, because it is empty or cut off. */
  readonly pid: number;
  /** When it started, as the system counts; empty where that can't be told. */
  readonly started: string;
  readonly host: string;
  /**
   * Of an owner that is not on this machine: seconds since its last heartbeat, by the clock of the file
   * system.
   */
  readonly silentSeconds?: number;
}

export interface Lock {
  /** The owner elsewhere whose silent lock was taken over; worth telling the user. */
  readonly takenFrom?: LockOwner;
  /** Aborted when another process has taken this lock over, because this one was silent for too long. */
  readonly lost: AbortSignal;
  /** Removes the file, unless the lock is lost. */
  release(): void;
}

export type LockAttempt = { readonly lock: Lock } | { readonly owner: LockOwner };

export interface LockTimes {
  readonly beatMs: number;
  /** A lock whose owner was silent for longer is stale. */
  readonly staleMs: number;
  /** How long an owner that lives is waited for: a killed calm may need a moment to end. */
  readonly patienceMs: number;
}

export const LOCK_TIMES: LockTimes = { beatMs: 5000, staleMs: 30_000, patienceMs: 10_000 };

/** The file of a lock as it was read. */
interface Found {
  readonly text: string;
  /** When it was last written, by the file system's clock. */
  readonly writtenMs: number;
}

/** Files of the locks that this process holds. */
const held = new Set<string>();

/** Takes a lock for this process, or says who holds it. */
export function takeLock(file: string, times: LockTimes = LOCK_TIMES): LockAttempt {
  let takenFrom: LockOwner | undefined;
  for (;;) {
    const text = `${ownText()}\n`;
    if (create(file, text))
      return { lock: { ...holdLock(file, text, times), ...(takenFrom && { takenFrom }) } };
    const found = readLock(file);
    if (!found) continue;
    const owner = livingOwner(file, found, times);
    if (owner) return { owner };
    if (removeStale(file, found)) takenFrom = ownerElsewhere(file, found);
  }
}

/**
 * Takes a lock, and waits for it where that helps: briefly for an owner that lives, until its lock is stale
 * for one that can't be seen and is silent.
 * @param onWait told once, when there is something to wait for
 * @returns the owner that lives, where waiting did not help
 */
export async function waitForLock(
  file: string,
  onWait: (owner: LockOwner) => void = () => {},
  times: LockTimes = LOCK_TIMES,
): Promise<LockAttempt> {
  const startedMs = performance.now();
  let first: Found | undefined;
  let takenFrom: LockOwner | undefined;
  let hasBeaten = false;
  for (;;) {
    const attempt = takeLock(file, times);
    if ('lock' in attempt) return takenFrom ? { lock: { ...attempt.lock, takenFrom } } : attempt;
    const waitedMs = performance.now() - startedMs;
    const found = readLock(file);
    if (!first) onWait(attempt.owner);
    else hasBeaten ||= found !== undefined && !isSame(found, first);
    first ??= found;
    const isSilent = attempt.owner.silentSeconds !== undefined && !hasBeaten;
    // Whatever the clocks say: nothing has beaten for as long as it takes.
    if (isSilent && waitedMs > times.staleMs && first) {
      if (removeStale(file, first)) takenFrom = attempt.owner;
    } else if (!isSilent && waitedMs > times.patienceMs) return attempt;
    await sleep(Math.min(200, times.patienceMs));
  }
}

/** The living process that holds a lock; undefined where there is none. */
export function lockOwner(file: string, times: LockTimes = LOCK_TIMES): LockOwner | undefined {
  const found = readLock(file);
  return found && livingOwner(file, found, times);
}

function readLock(file: string): Found | undefined {
  try {
    const handle = openSync(file, 'r');
    try {
      // Of the open file: a network's file system looks anew when a file is opened.
      return { text: readFileSync(handle, 'utf8'), writtenMs: fstatSync(handle).mtimeMs };
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ESTALE'].includes(codeOf(error))) throw error;
    return undefined;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
const isSame = (a: Found, b: Found) => a.text === b.text && a.writtenMs === b.writtenMs;

/** What stands in a lock: process, its start, host, machine; a line break says that it is whole. */
function ownText(): string {
  return `${process.pid} ${startOf(process.pid) ?? ''} ${hostname()} ${machine()}`;
}

/** Creates the lock with its content in one step: a link to a finished file fails where the lock exists. */
function create(file: string, text: string): boolean {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, text);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    return codeOf(error) === 'EEXIST' ? false : createAlone(file, text);
  } finally {
    rmSync(own, { force: true });
  }
}

/** For file systems without hard links. For a moment the file is empty; others then go by its age. */
function createAlone(file: string, text: string): boolean {
  try {
    const handle = openSync(file, 'wx');
    try {
      writeSync(handle, text);
      return true;
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Takes a stale lock away. Where it is another's by now, or its owner has come back to life, it is put back.
 */
function removeStale(file: string, stale: Found): boolean {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    const found = readLock(aside);
    if (!found || isSame(found, stale)) return true;
    create(file, found.text);
    return false;
  } catch (error) {
    // Someone else has taken it away.
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Beats for a lock until it is let go. The thread beats also while a long step keeps this one busy. */
function holdLock(file: string, text: string, { beatMs }: LockTimes): Lock {
  const path = resolve(file);
  const lost = new AbortController();
  const script = `./lock-heartbeat${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`;
  const heart = new Worker(new URL(script, import.meta.url), { workerData: { file: path, text, beatMs } });
  heart.unref();
  heart.on('message', () => lost.abort()).on('error', () => {});
  held.add(path);
  const release = () => {
    if (!held.delete(path)) return;
    void heart.terminate();
    if (readLock(path)?.text === text) rmSync(path, { force: true });
  };
  return { lost: lost.signal, release };
}

/** The owner of a lock that is not stale. */
function livingOwner(file: string, found: Found, { staleMs }: LockTimes): LockOwner | undefined {
  const elsewhere = ownerElsewhere(file, found);
  if (elsewhere) return 1000 * (elsewhere.silentSeconds ?? 0) > staleMs ? undefined : elsewhere;
  const owner = ownerOf(found.text);
  return isLiving(owner, resolve(file)) ? owner : undefined;
}

/**
 * The owner of a lock that only its heartbeat tells of: on another machine, in another container, or not
 * named because the file is not whole.
 */
function ownerElsewhere(file: string, found: Found): LockOwner | undefined {
  const { machine: place, ...owner } = ownerOf(found.text);
  const isHere = place ? place === machine() : owner.host === hostname();
  // An older calm wrote no line break, and nothing but its id before that.
  const isWhole = found.text.endsWith('\n') || isAlive(owner.pid) || found.text.split(' ').length >= 3;
  if (isHere && isWhole && owner.pid > 0) return undefined;
  const silentSeconds = (clockOf(file) - found.writtenMs) / 1000;
  return { ...owner, silentSeconds };
}

function ownerOf(text: string): LockOwner & { readonly machine: string } {
  const [pid = '', started = '', host = '', place = ''] = text.trimEnd().split(' ');
  const isNumber = /^[1-9]\d*$/.test(pid);
  return { pid: isNumber ? Number(pid) : 0, started, host: host || hostname(), machine: place };
}

/** The time by the clock of the file system, which may be another machine's. */
function clockOf(file: string): number {
  const probe = `${file}.${process.pid}.clock`;
  try {
    const handle = openSync(probe, 'w');
    try {
      writeSync(handle, '\n');
      return fstatSync(handle).mtimeMs;
    } finally {
      closeSync(handle);
    }
  } catch {
    // Whoever can only read here goes by the clock that there is.
    return Date.now();
  } finally {
    rmSync(probe, { force: true });
  }
}

/**
 * One start of one kernel, and the space in which its process ids count; empty where there is no such thing.
 */
function machine(): string {
  try {
    const start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${start}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function isLiving({ pid, started }: LockOwner, path: string): boolean {
  if (pid === process.pid) return held.has(path);
  if (!isAlive(pid)) return false;
  const found = startOf(pid);
  return started === '' || found === undefined || found === started;
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return codeOf(error) === 'EPERM';
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
