/** How long work hears a signal: it awaits a pause between two pieces that are short. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pause } from 'calm-lm/evaluation';

/**
 * A pause lets Node's event loop turn, so that signals and timers are heard, and throws where the signal is
 * aborted.
 */
export function pauseFor(signal: AbortSignal): Pause {
  return async () => {
    await nextTurn();
    signal.throwIfAborted();
  };
}
