/** Windows that can be scored as text, and what decides the samples that a server gives for them. */

import { createHash } from 'node:crypto';
import type { Tokenizer } from 'calm-lm/data';
import { endpointNoWindows } from 'calm-lm/errors';
import type { BrierWindow } from 'calm-lm/evaluation';
import type { HeldOut } from 'calm-lm/evaluation/measures';

export interface TextWindow extends BrierWindow {
  /** The held-out document that it is from. */
  readonly document: number;
}

/** The windows that begin and end where text and tokens agree. */
export async function textWindows(
  { sequences, documents }: HeldOut,
  contextTokens: number,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): Promise<TextWindow[]> {
  const windows: TextWindow[] = [];
  for (const [i, ids] of sequences.entries()) {
    signal.throwIfAborted();
    const window = { prefix: ids.subarray(0, contextTokens), target: ids.subarray(contextTokens) };
    if (await isWholeText(tokenizer, window)) windows.push({ ...window, document: documents[i] as number });
  }
  if (windows.length === 0) throw endpointNoWindows(sequences.length);
  return windows;
}

/** Fingerprint of what decides the samples. @param fields of the configuration, and the seed */
export function settingsOf(
  fields: Readonly<Record<string, string | number>>,
  windows: readonly TextWindow[],
  tokenizer: Tokenizer,
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))));
  hash.update(tokenizer.toJson());
  for (const { prefix, target } of windows)
    hash.update(JSON.stringify([Array.from(prefix), Array.from(target)]));
  return hash.digest('hex').slice(0, 16);
}

/** Whether the prefix, as text, is encoded back to the same tokens, and the window follows at a boundary. */
async function isWholeText(tokenizer: Tokenizer, { prefix, target }: BrierWindow): Promise<boolean> {
  const [before, after] = [await tokenizer.decode([...prefix]), await tokenizer.decode([...target])];
  const [first, second] = [await tokenizer.encode(before), await tokenizer.encode(after)];
  return isSame(first, prefix) && isSame(second, target);
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((id, i) => id === b[i]);
}
