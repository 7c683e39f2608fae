/** How large the vocabulary is going to be, for `calm cost`. */

import { existsSync } from 'node:fs';
import { loadTokenizer } from 'calm-lm/data';
import type { Estimate } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

/** 256 bytes, end-of-text and padding. */
const BYTES_VOCABULARY = 258;

/** The vocabulary: of a tokenizer that is there; where it is not, what `vocabSize` says. */
export async function estimate(
  { tokenizer, vocabSize, endOfTextToken }: z.infer<typeof config>,
  _: unknown,
  resolvePath: (path: string) => string,
): Promise<Estimate> {
  if (tokenizer === 'bytes') return { facts: { vocabSize: BYTES_VOCABULARY } };
  const path = resolvePath(tokenizer);
  if (tokenizer === 'bpe' || !existsSync(path)) return { facts: { vocabSize } };
  return { facts: { vocabSize: (await loadTokenizer(path, { endOfText: endOfTextToken })).vocabSize } };
}
