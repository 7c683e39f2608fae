/** In which order stages are carried out, several at once: each as soon as those that it needs are done. */

import type { PlannedStage } from './plan.ts';

/**
 * Where a stage fails no other one begins, those at work are asked to stop, and the first failure is thrown when
 * all have ended.
 * @param stages each after those that it needs
 * @param work given a signal to stop
 */
export async function eachWhenReady(
  stages: readonly PlannedStage[],
  count: number,
  signal: AbortSignal,
  work: (planned: PlannedStage, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const missing = new Set(stages.map(({ node }) => node.id));
  const waiting = [...stages];
  const atWork = new Set<Promise<void>>();
  const isReady = ({ node }: PlannedStage) =>
    Object.values(node.inputs).every((source) => source.type !== 'stage' || !missing.has(source.id));
  const start = (planned: PlannedStage) => {
    const ended = work(planned, stopped)
      .then(() => missing.delete(planned.node.id))
      .catch((error: unknown) => failed.abort(error))
      .then(() => {
        atWork.delete(ended);
      });
    atWork.add(ended);
  };
  while (waiting.length > 0 && !stopped.aborted) {
    const next = atWork.size < count ? waiting.findIndex(isReady) : -1;
    if (next >= 0) start(waiting.splice(next, 1)[0] as PlannedStage);
    else await Promise.race(atWork);
  }
  await Promise.all(atWork);
  failed.signal.throwIfAborted();
  signal.throwIfAborted();
}
