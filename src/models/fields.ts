/**
 * Fields that configurations of models have in common, each with its limits: for stages, loaders and
 * importers alike.
 */

import { z } from 'zod';

/** No model that can be held is larger. A larger one would be asked for before anything is checked. */
export const [LARGEST_SIZE, MOST_LAYERS] = [2 ** 24, 2048];

const whole = (least: number, largest: number) => {
  const error = `must be a whole number from ${least} to ${largest}`;
  return z.int({ error }).min(least, { error }).max(largest, { error });
};

/** A size of a model, or how many there are of something. */
export const size = (standard: number, least = 1) => whole(least, LARGEST_SIZE).default(standard);

/** How long the sequences were that a model was trained on; absent where nobody has noted it. */
export const trainedPositions = () =>
  whole(1, LARGEST_SIZE)
    .optional()
    .describe('Positions of the sequences that it was trained on: patches, or tokens of a Transformer.');

/** A number of layers. */
export const layers = (standard: number, least = 1) => whole(least, MOST_LAYERS).default(standard);

export const positive = (standard: number) => {
  const error = 'must be a number above 0';
  return z.number({ error }).positive({ error }).default(standard);
};

export const nonnegative = (standard: number) => {
  const error = 'must be a number, 0 or more';
  return z.number({ error }).nonnegative({ error }).default(standard);
};

/** The id of a token, where there is such a token. */
export const tokenId = () => {
  const error = 'must be a token id or null';
  return z.number({ error }).nonnegative({ error }).nullable().default(null);
};

interface LlamaDefaults {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
}

/**
 * The fields of a Llama. Check them together with `checkLlama`, and complete them with `withKeyValueHeads`.
 */
export const llamaFields = (defaults: LlamaDefaults) => ({
  hiddenSize: size(defaults.hiddenSize).describe('Width of the Transformer, and of the head of a CALM.'),
  intermediateSize: size(defaults.intermediateSize).describe('Width inside SwiGLU.'),
  numHiddenLayers: layers(defaults.numHiddenLayers).describe('Layers of the Transformer.'),
  numAttentionHeads: size(defaults.numAttentionHeads).describe('Attention heads.'),
  numKeyValueHeads: whole(1, LARGEST_SIZE)
    .optional()
    .describe('Key/value heads of grouped-query attention; as many as attention heads where absent.'),
  ropeTheta: positive(10000).describe('Base of the rotary positions.'),
  initializerRange: positive(0.02).describe(
    'Standard deviation of the first weights; narrow models learn sooner from larger ones.',
  ),
});

interface LlamaSizes {
  readonly hiddenSize: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads?: number | undefined;
}

/** Attention heads must divide the width into even sizes, and key/value heads must divide them. */
export function checkLlama(
  { hiddenSize, numAttentionHeads, numKeyValueHeads = numAttentionHeads }: LlamaSizes,
  issue: z.RefinementCtx,
): void {
  const refuse = (key: string, message: string) => issue.addIssue({ code: 'custom', message, path: [key] });
  if (hiddenSize % (2 * numAttentionHeads) !== 0)
    refuse('hiddenSize', `must be a multiple of 2 · numAttentionHeads (${2 * numAttentionHeads})`);
  if (numAttentionHeads % numKeyValueHeads !== 0)
    refuse('numKeyValueHeads', `must divide numAttentionHeads (${numAttentionHeads})`);
}

/** Fills in the key/value heads: as many as attention heads where nothing is stated. */
export function withKeyValueHeads<Config extends LlamaSizes>(
  config: Config,
): Config & { readonly numKeyValueHeads: number } {
  return { ...config, numKeyValueHeads: config.numKeyValueHeads ?? config.numAttentionHeads };
}

/** A padding token must be one of the vocabulary. */
export function checkPadding(
  { vocabSize, padTokenId }: { readonly vocabSize: number; readonly padTokenId: number | null },
  issue: z.RefinementCtx,
): void {
  if (padTokenId !== null && padTokenId >= vocabSize)
    issue.addIssue({ code: 'custom', message: `must be below ${vocabSize}`, path: ['padTokenId'] });
}
