/** Work on many items, some of them at once. */

/**
 * Works on so many items at once. After the first failure, or the signal, none is begun, the work on the others
 * is told, and what happened is thrown when all have ended.
 * @param work given a signal to stop
 */
export async function eachAtOnce<Item>(
  items: Iterable<Item>,
  most: number,
  work: (item: Item, ended: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const ended = signal ? AbortSignal.any([failed.signal, signal]) : failed.signal;
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done && !ended.aborted; next = queue.next())
      await work(next.value, ended).catch((error: unknown) => failed.abort(error));
  };
  await Promise.all(Array.from({ length: most }, worker));
  ended.throwIfAborted();
}
