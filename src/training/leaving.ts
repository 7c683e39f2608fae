/** How training ends before its last step: by a signal, or by a step that is too bad. */

import { setImmediate as nextTurn } from 'node:timers/promises';
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

/** Gives signals their turn, and leaves where one came. */
export async function pause(signal: AbortSignal): Promise<void> {
  await nextTurn();
  leaveIfAsked(signal);
}
