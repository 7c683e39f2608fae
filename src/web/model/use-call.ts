/** What a model is asked, as the state of a component. */

import { useEffect, useState } from 'preact/hooks';
import type { ModelClient } from './model-client.ts';
import type { CallName, Calls } from './protocol.ts';

interface Called<Name extends CallName> {
  readonly value?: ReturnType<Calls[Name]>;
  readonly problem?: unknown;
}

/**
 * The answer to a call, asked for when what is given has changed; the last one stays until the next is there.
 * @param given plain data; nothing is asked where undefined
 */
export function useCall<Name extends CallName>(
  client: ModelClient,
  name: Name,
  given: Parameters<Calls[Name]>[0] | undefined,
): Called<Name> {
  const [called, setCalled] = useState<Called<Name>>({});
  const key = JSON.stringify(given);
  useEffect(() => {
    if (key === undefined) return;
    let isWanted = true;
    client.ask(name, JSON.parse(key)).then(
      (value) => isWanted && setCalled({ value }),
      (problem) => isWanted && setCalled((before) => ({ ...before, problem })),
    );
    return () => {
      isWanted = false;
    };
  }, [client, name, key]);
  return called;
}
