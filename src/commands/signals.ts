/** Signals, as every command that works for long hears them. */

import { constants } from 'node:os';

/** SIGUSR1 and SIGHUP are what schedulers and closed terminals send. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Said at the first one. */
export const STOPPING = '\nstopping after this step; again to stop at once\n';

/** A second signal within this time is the same one. */
const ECHO_MS = 300;

/**
 * Hears signals until it is told not to.
 * @param onFirst given the signal's number
 * @param onSecond likewise, where another one comes
 * @returns what ends the hearing
 */
export function hearSignals(
  onFirst: (number: number) => void,
  onSecond: (number: number) => void,
): () => void {
  let firstMs: number | undefined;
  const onSignal = (name: (typeof SIGNALS)[number]) => {
    const number = constants.signals[name];
    if (firstMs === undefined) {
      firstMs = performance.now();
      onFirst(number);
      // Some senders, such as timeout(1), signal the process and then its group.
    } else if (performance.now() - firstMs >= ECHO_MS) onSecond(number);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return () => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
}
