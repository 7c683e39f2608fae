/**
 * Whether the threads of a session wait by spinning. On an idle machine sampling gains 15 to 40 % by it, and
 * training steps nothing; where another program wants the cores, steps lose 3 to 12 % and sampling a fifth.
 * So it is chosen by what other programs have used lately. It changes no number.
 */

import { cpus } from 'node:os';

/** Microseconds: most waits are shorter, and a longer one is a core taken from someone. */
const SPIN_US = '100';
/** Cores that others may keep busy. */
const IDLE_BELOW = 0.25;
const SHORTEST_MS = 50;

interface Usage {
  readonly atMs: number;
  /** Core-milliseconds of all programs, and of this one. */
  readonly all: number;
  readonly own: number;
}

function usageNow(): Usage {
  const all = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), all, own: (user + system) / 1000 };
}

let [last, isIdle] = [usageNow(), true];

/**
 * The session options; CALM_SPIN=1 and CALM_SPIN=0 decide it by hand. Sessions have threads of their own, and
 * none spins when its run is over.
 */
export function spinningOptions(): object {
  const { CALM_SPIN: chosen } = process.env;
  const spins = chosen === undefined ? isMachineIdle() : chosen !== '0';
  return {
    intra_op: spins ? { allow_spinning: '1', spin_duration_us: SPIN_US } : { allow_spinning: '0' },
    force_spinning_stop: '1',
  };
}

/** Whether other programs used less than a quarter of a core since this was asked last. */
function isMachineIdle(): boolean {
  const now = usageNow();
  const elapsedMs = now.atMs - last.atMs;
  if (elapsedMs < SHORTEST_MS) return isIdle;
  isIdle = (now.all - last.all - (now.own - last.own)) / elapsedMs < IDLE_BELOW;
  last = now;
  return isIdle;
}
