import { z } from 'zod';
import {
  checkLlama,
  checkPadding,
  llamaFields,
  nonnegative,
  size,
  tokenId,
  trainedPositions,
  withKeyValueHeads,
} from '../fields.ts';

/**
 * The discrete Transformer: keys of Hugging Face's Llama in camelCase; sizes of the paper's Transformer-S
 * (Table 1).
 */
const fields = z.object({
  vocabSize: size(128256),
  ...llamaFields({ hiddenSize: 768, intermediateSize: 2048, numHiddenLayers: 12, numAttentionHeads: 12 }),
  rmsNormEps: nonnegative(1e-6),
  tieWordEmbeddings: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .describe('Whether the head is the input embedding instead of a matrix of its own.'),
  padTokenId: tokenId(),
  eosTokenId: tokenId(),
  maxPositionEmbeddings: trainedPositions(),
});

/** The fields that a stage's schema takes over. */
export const transformerFields = fields.omit({ maxPositionEmbeddings: true }).shape;
export const transformerSchema = fields
  .superRefine(checkLlama)
  .superRefine(checkPadding)
  .transform((config) => ({ modelType: 'llama' as const, ...withKeyValueHeads(config) }));
export type TransformerConfig = Readonly<z.output<typeof transformerSchema>>;
export const TRANSFORMER_DEFAULTS: TransformerConfig = transformerSchema.parse({});
