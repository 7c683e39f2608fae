/** Several streams as one. */

type Source<T> = AsyncGenerator<T, void, void>;

/**
 * What sources yield, as it comes, from so many at once; a source that ends makes room for the next one. Each
 * is asked for one thing ahead, so who reads slowly is waited for. Leaving early, or an error, ends all.
 * @param starts each begins a source
 */
export async function* merged<T>(starts: readonly (() => Source<T>)[], atOnce: number): Source<T> {
  const next = starts.values();
  const running = new Map<Source<T>, Promise<{ source: Source<T>; result: IteratorResult<T, void> }>>();
  const ask = (source: Source<T>) => {
    const asked = source.next().then((result) => ({ source, result }));
    // An error waits until the reader comes back.
    asked.catch(() => {});
    running.set(source, asked);
  };
  try {
    for (;;) {
      while (running.size < atOnce) {
        const { done, value: start } = next.next();
        if (done) break;
        ask(start());
      }
      if (running.size === 0) return;
      const { source, result } = await Promise.race(running.values());
      if (result.done) running.delete(source);
      else {
        ask(source);
        yield result.value;
      }
    }
  } finally {
    await Promise.allSettled([...running.entries()].flatMap(([source, asked]) => [asked, source.return()]));
  }
}
