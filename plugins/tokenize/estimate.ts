/** How large the vocabulary is going to be, for `calm cost`. */

import { readFile } from 'node:fs/promises';
import type { TokenizerJson } from 'calm-lm/data';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

/** 256 bytes, end-of-text and padding. */
const BYTES_VOCABULARY = 258;

/** The vocabulary: of a tokenizer.json that is there; where it is not, what `vocabSize` says. */
export async function estimate({ tokenizer, vocabSize }: z.infer<typeof config>, _: unknown, resolvePath: (path: string) => string): Promise<Estimate> {
  if (tokenizer === 'bytes') return { facts: { vocabSize: BYTES_VOCABULARY } };
  if (tokenizer === 'bpe') return { facts: { vocabSize } };
  const text = await readFile(resolvePath(tokenizer), 'utf8').catch(() => undefined);
  if (text === undefined) return { facts: { vocabSize } };
  const { model, added_tokens: added = [] } = JSON.parse(text) as TokenizerJson;
  const ids = [...Object.values(model.vocab as Record<string, number>), ...added.map(({ id }) => id)];
  return { facts: { vocabSize: ids.reduce((largest, id) => Math.max(largest, id), -1) + 1 } };
}
