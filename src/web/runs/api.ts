/** What the page asks its server. */

import { useEffect, useState } from 'preact/hooks';

/** An answer; what the server says is wrong is an error. */
export async function ask<T>(path: string, options: RequestInit = {}): Promise<T> {
  const answer = await fetch(path, options).catch(() => {
    throw new Error('calm ui does not answer: is it still running?');
  });
  const body = (await answer.json()) as T & { readonly error?: string };
  if (!answer.ok) throw new Error(body.error ?? `the server answered ${answer.status}`);
  return body;
}

export const runPath = (name: string, rest = '') => `api/runs/${encodeURIComponent(name)}${rest}`;

/** Where the page shows something; what follows `#/`. */
export const pageOf = (...words: readonly string[]) => `#/${words.map(encodeURIComponent).join('/')}`;

interface Loaded<T> {
  readonly value?: T;
  readonly problem?: unknown;
}

/** An answer as the state of a component, asked for again every so often. */
export function useAnswer<T>(path: string, everyMs?: number): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({});
  useEffect(() => {
    let isWanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        const value = await ask<T>(path);
        if (isWanted) setLoaded({ value });
      } catch (problem) {
        if (isWanted) setLoaded((before) => ({ ...before, problem }));
      }
      if (isWanted && everyMs) timer = setTimeout(load, everyMs);
    };
    setLoaded({});
    void load();
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return loaded;
}
