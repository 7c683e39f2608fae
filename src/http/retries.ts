/** Requests that failed for a reason that may pass, tried again. */

import { setTimeout as sleep } from 'node:timers/promises';
import pRetry, { type RetryContext } from 'p-retry';
import { CalmError } from '../errors.ts';

/** A failure that may pass. Where it does not, `error` is what the user sees. */
export class PassingFailure extends Error {
  readonly error: CalmError;
  /** What the server asks for. */
  readonly retryAfterMs: number | undefined;
  /** Whether the server is there and has too much to do. */
  readonly isBusy: boolean;

  constructor(error: CalmError, { retryAfterMs, isBusy }: { retryAfterMs?: number; isBusy: boolean }) {
    super(error.message);
    this.error = error;
    this.retryAfterMs = retryAfterMs;
    this.isBusy = isBusy;
  }
}

export interface RetryPolicy {
  /** How often a request is tried again. */
  readonly retries: number;
  /** Before the first retry; it doubles with each, and up to as much again is added by chance. */
  readonly firstWaitMs: number;
  /** Told of what takes more than a second. */
  readonly onWait: (problem: string, waitMs: number) => void;
}

/** Waits shorter than this are not worth a word. */
const SAID_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Does a request, again where it fails with a PassingFailure. A busy server that answered others since the
 * last failure costs no retry:
 * it is at work, and its turn will come.
 * @param numAnswered how many requests of all have been answered so far
 */
export async function withRetries<T>(
  request: () => Promise<T>,
  numAnswered: () => number,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<T> {
  let attempts = 0;
  let begun = 0;
  let numBefore = numAnswered();
  let isFree = false;
  const attempt = () => {
    attempts++;
    begun = performance.now();
    return request();
  };
  const mayRetry = ({ error, retriesConsumed }: RetryContext) =>
    error instanceof PassingFailure && (isFree || retriesConsumed < policy.retries);
  try {
    return await pRetry(attempt, {
      // One more than there are: p-retry gives up without one left, even where the next costs none.
      retries: policy.retries + 1,
      minTimeout: policy.firstWaitMs,
      maxTimeout: LONGEST_WAIT_MS,
      randomize: true,
      ...(signal ? { signal } : {}),
      shouldConsumeRetry: ({ error }) => {
        isFree = error instanceof PassingFailure && error.isBusy && numAnswered() > numBefore;
        numBefore = numAnswered();
        return !isFree;
      },
      onFailedAttempt: async (context) => {
        if (mayRetry(context)) await waitAsAsked(context, performance.now() - begun, policy, signal);
      },
      shouldRetry: mayRetry,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof PassingFailure ? counted(error.error, attempts) : error;
  }
}

/** The wait that the server asks for; p-retry's own comes after it. */
async function waitAsAsked(
  { error, retryDelay }: RetryContext,
  elapsedMs: number,
  { firstWaitMs, onWait }: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<void> {
  // p-retry waits 0 ms after a failure that costs no retry.
  const chance = retryDelay > 0 ? 0 : firstWaitMs * (1 + Math.random());
  const waitMs = ((error as PassingFailure).retryAfterMs ?? 0) + chance;
  const totalMs = waitMs + retryDelay;
  if (elapsedMs + totalMs >= SAID_MS) onWait(error.message, totalMs);
  if (waitMs > 0) await sleep(waitMs, undefined, signal ? { signal } : {});
}

function counted(error: CalmError, attempts: number): CalmError {
  if (attempts === 1) return error;
  const { hint, cause } = error;
  return new CalmError(error.code, `${error.message} (asked ${attempts} times)`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}
