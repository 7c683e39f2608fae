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
import { type ChosenHead, headField } from './heads/choice.ts';
import { savedOptions } from './heads/saved-options.ts';

/** What the backbone reads of a patch (paper, Table 5): its tokens, its latent vector, or both. */
export const INPUT_MODES = ['discrete', 'continuous', 'both'] as const;

/**
 * The model around the head: the keys of the reference in camelCase, with its defaults; `inputMode` is ours.
 */
const fields = z.object({
  inputMode: z
    .enum(INPUT_MODES, { error: `must be ${INPUT_MODES.join(' or ')}` })
    .default('discrete')
    .describe('What the backbone reads of a patch: its tokens, its latent vector, or both.'),
  vocabSize: size(128257),
  ...llamaFields({ hiddenSize: 768, intermediateSize: 2048, numHiddenLayers: 12, numAttentionHeads: 12 }),
  rmsNormEps: nonnegative(1e-6),
  patchSize: size(4).describe('K, tokens a patch.'),
  latentSize: size(128).describe('Numbers in a latent.'),
  padTokenId: tokenId(),
  eosTokenId: tokenId(),
  maxPositionEmbeddings: trainedPositions(),
});

/** The fields that a stage's schema takes over. */
export const calmFields = { ...fields.omit({ maxPositionEmbeddings: true }).shape, head: headField };

/** The model without its head, as config.json states it. */
export const backboneSchema = fields
  .superRefine(checkLlama)
  .superRefine(checkPadding)
  .transform(withKeyValueHeads);

export const calmSchema = fields
  .extend({ head: headField })
  .superRefine(checkLlama)
  .superRefine(checkPadding)
  .transform(withKeyValueHeads);

/**
 * The language model's configuration. A head knows the type of its own options; everyone else only its name.
 */
export type CalmConfig<Options = ChosenHead> = Readonly<z.output<typeof backboneSchema>> & {
  readonly head: Options;
};

export const CALM_DEFAULTS: CalmConfig = calmSchema.parse({});

/** The keys of the model around the head, and of what says which head it is. */
export const BACKBONE_KEYS: readonly string[] = [...Object.keys(fields.shape), 'modelType'];

/** A configuration as config.json has it, in camelCase: flat, the head by its name in `modelType`. */
export function savedConfig({ head, ...backbone }: CalmConfig): Record<string, unknown> {
  return { modelType: head.name, ...backbone, ...savedOptions(head) };
}
