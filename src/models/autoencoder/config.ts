import { z } from 'zod';
import { checkPadding, layers, nonnegative, positive, size, tokenId } from '../fields.ts';

const RATE = { error: 'must be a number from 0 to below 1' };
const rate = () => z.number(RATE).min(0, RATE).lt(1, RATE);

/**
 * The autoencoder's configuration: the keys of the reference in camelCase, with its defaults (paper §7.1).
 */
const fields = z.object({
  variant: z
    .enum(['robust', 'plain'], { error: 'must be robust or plain' })
    .default('robust')
    .describe(
      'robust: noise, KL and dropout (paper §2.2), for language models. plain: reconstruction alone (§2.1).',
    ),
  vocabSize: size(128256),
  hiddenSize: size(512).describe('Width of its layers and embeddings.'),
  intermediateSize: size(1280).describe('Width inside SwiGLU.'),
  numEncoderLayers: layers(2, 0).describe('Half of them before the patch is squeezed, half after.'),
  numDecoderLayers: layers(2, 0).describe('Half of them before the latent is expanded, half after.'),
  latentSize: size(128).describe('l, numbers a latent vector.'),
  patchSize: size(4).describe('K, tokens a patch.'),
  aeDropout: rate()
    .default(0.15)
    .describe('Rate of token dropout, and of latent dropout unless that has its own.'),
  latentDropout: rate()
    .nullable()
    .default(null)
    .describe('Rate of latent dropout where it differs from aeDropout.'),
  klClamp: nonnegative(0.5).describe('Free nats a latent dimension.'),
  klWeight: nonnegative(1e-3).describe('Weight of the KL term.'),
  rmsNormEps: nonnegative(1e-6),
  initializerRange: positive(0.02).describe('Standard deviation of the first weights.'),
  padTokenId: tokenId(),
  eosTokenId: tokenId(),
});

/** The fields that a stage's schema takes over. */
export const autoencoderFields = fields.shape;
export const autoencoderSchema = fields.superRefine(checkPadding);
export type AutoencoderConfig = Readonly<z.output<typeof fields>>;
export const AUTOENCODER_DEFAULTS: AutoencoderConfig = autoencoderSchema.parse({});
