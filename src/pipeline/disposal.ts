/** Closing what a stage was given: readers and writers of artifacts that hold files. */

type MaybeDisposable = Partial<Disposable & AsyncDisposable> | null | undefined;

/**
 * Disposes of everything that can be, the last one first. All are tried; the first error is thrown at the
 * end.
 * @param opened readers and writers, by `[Symbol.asyncDispose]` or `[Symbol.dispose]`; others are left alone
 */
export async function disposeAll(opened: readonly unknown[]): Promise<void> {
  const errors: unknown[] = [];
  for (const one of opened.toReversed()) {
    try {
      await dispose(one as MaybeDisposable);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

async function dispose(one: MaybeDisposable): Promise<void> {
  if (one?.[Symbol.asyncDispose]) await one[Symbol.asyncDispose]?.();
  else one?.[Symbol.dispose]?.();
}
