/** How a signal is heard in the middle of a step or of an evaluation. */

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Thrown to leave a step or an evaluation in which the signal was seen; nothing of it counts. */
export const LEFT = Symbol('left by a signal');

export function leaveIfAsked(signal: AbortSignal): void {
  if (signal.aborted) throw LEFT;
}

/** Gives signals their turn, and leaves where one came. */
export async function pause(signal: AbortSignal): Promise<void> {
  await nextTurn();
  leaveIfAsked(signal);
}
