/** How training ends before its last step: by a signal, or by a step that is too bad. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cluster } from '../cluster/index.ts';
import { interrupted } from '../errors.ts';

/** Thrown to end training with its state saved. Nothing counts of a step or evaluation that it leaves. */
export class Leaving {
  /** What training ends with. */
  readonly reason: Error;

  constructor(reason: Error) {
    this.reason = reason;
  }
}

export function leaveIfAsked(signal: AbortSignal): void {
  if (signal.aborted) throw new Leaving(interrupted('the same command'));
}

/** Likewise on all ranks, where one of them was asked. */
export async function leaveIfAnyAsked(cluster: Cluster, signal: AbortSignal): Promise<void> {
  if (await cluster.any(signal.aborted)) throw new Leaving(interrupted('the same command'));
}

/** What the first rank does alone. All get its value; where it was left, all leave. */
export async function byFirst<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
  if (cluster.rank > 0) {
    const { value, isLeft } = await cluster.broadcast<{ value?: T; isLeft?: boolean }>({});
    if (isLeft) throw new Leaving(interrupted('the same command'));
    return value as T;
  }
  try {
    const value = await work();
    await cluster.broadcast({ value });
    return value;
  } catch (error) {
    if (error instanceof Leaving) await cluster.broadcast({ isLeft: true });
    throw error;
  }
}

/** Gives signals their turn, and leaves where one came. */
export async function pause(signal: AbortSignal): Promise<void> {
  await nextTurn();
  leaveIfAsked(signal);
}
