/** What a token-shards artifact says of itself: index.json and the names of its files. */

import { z } from 'zod';
import { seriesSchema } from './record-series.ts';
import type { Split } from './splits.ts';

export const TOKEN_SHARDS = 'token-shards';
export const TOKEN_FORMAT_VERSION = 1;
export const TOKENS_PER_SHARD = 2 ** 26;
/** A length of a document in tokens, u32. */
export const LENGTH_BYTES = 4;

const count = z.int().nonnegative();
const splitIndex = seriesSchema('tokens', 'documents', 'textBytes');
export const tokenIndex = z
  .object({
    formatVersion: z.number(),
    vocabSize: z
      .int()
      .positive()
      .max(2 ** 31),
    endOfTextId: count,
    padId: count,
    dtype: z.enum(['u16', 'u32']),
    // Where documents have prompts. Each document is filled up to a multiple of so many tokens.
    pairs: z.object({ alignedTo: z.int().positive() }).optional(),
    splits: z.object({ train: splitIndex, validation: splitIndex }),
  })
  .refine(
    ({ vocabSize, endOfTextId, padId }) => Math.max(endOfTextId, padId) < vocabSize,
    'special ids must lie in the vocabulary',
  );

export type TokenIndex = Readonly<z.infer<typeof tokenIndex>>;

/** What a reader must know of the tokenizer, besides the ids. */
export interface TokenVocabulary {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
}

/** Bytes a token. */
export const widthOf = ({ dtype }: Pick<TokenIndex, 'dtype'>) => (dtype === 'u16' ? 2 : 4);

export const documentsFile = (split: Split) => `${split}.documents.bin`;
export const promptsFile = (split: Split) => `${split}.prompts.bin`;
