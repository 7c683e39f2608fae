/**
 * The autoencoder (paper §2): K tokens ↔ one latent vector, each patch alone.
 *
 * N patches · K tokens a patch · H hidden · L latent · V vocabulary
 *
 *     ids [N·K] → embed → ½ layers → [N, K·H] squeeze → ½ layers → norm → mean, logStd [N, L]
 *     z [N, L] → hidden → ½ layers → expand [N·K, H] → ½ layers → norm → tied head → logits [N·K, V]
 *
 * Each half uses ⌊n/2⌋ of n layers; with an odd n the last one is a parameter without use, as in the
 * reference.
 */

import { type Tensor, type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { clippedKl, embed, linear, linearArgMax, linearCrossEntropy, rmsNorm } from '../../math/index.ts';
import { linearSpec, normSpec, type ParameterTable, swigluSpec } from '../parameters.ts';
import { swiglu } from '../swiglu.ts';
import type { AutoencoderConfig } from './config.ts';

/** The encoder's Gaussian of each patch, mean and logStd [patches, latent]. */
export interface PatchGaussians {
  readonly mean: Tensor;
  readonly logStd: Tensor;
}

/** The random draws of one robust training step. */
export interface AutoencoderDraws {
  /** 1 keeps a token, 0 turns it into id 0; int32 [patches·K]. */
  readonly tokenMask: Tensor;
  /** Standard normal, [patches, latent]. */
  readonly noise: Tensor;
  /** 1 keeps a latent value, 0 drops it; [patches, latent]. */
  readonly latentMask: Tensor;
}

export interface AutoencoderLoss {
  /** What is minimised. robust: K·CE + klWeight·KL; plain: K·CE. */
  readonly loss: Tensor;
  /** Cross-entropy, nats a token. */
  readonly crossEntropy: Tensor;
  /** Clipped KL, nats a patch; 0 for the plain variant. */
  readonly kl: Tensor;
}

/**
 * Every parameter with its shape and first value, under the reference's names. `decoder.lm_head_weight` is
 * the embedding and not listed.
 */
export function autoencoderTable(config: AutoencoderConfig): ParameterTable {
  const { vocabSize, hiddenSize: hidden, intermediateSize, latentSize, patchSize } = config;
  const layer = (name: string) => ({
    ...swigluSpec(`${name}.mlp`, hidden, intermediateSize),
    ...normSpec(`${name}.layernorm`, hidden),
  });
  const layers = (name: string, count: number) =>
    Object.assign({}, ...Array.from({ length: count }, (_, i) => layer(`${name}.${i}`)));
  return {
    'encoder.embed_tokens.weight': { shape: [vocabSize, hidden], init: 'normal' },
    ...layers('encoder.encoder_layers', config.numEncoderLayers),
    ...linearSpec('encoder.squeeze_layer', patchSize * hidden, hidden, true),
    ...normSpec('encoder.norm', hidden),
    ...linearSpec('encoder.hidden_to_latent', hidden, 2 * latentSize, true),
    ...linearSpec('decoder.latent_to_hidden', latentSize, hidden, true),
    ...layers('decoder.decoder_layers', config.numDecoderLayers),
    ...linearSpec('decoder.expand_layer', hidden, patchSize * hidden, true),
    ...normSpec('decoder.norm', hidden),
  };
}

/**
 * Patches to Gaussians.
 * @param ids [patches·K], int32
 */
export function encode(parameters: TensorMap, config: AutoencoderConfig, ids: Tensor): PatchGaussians {
  const embedded = embed(tensorOf(parameters, 'encoder.embed_tokens.weight'), ids);
  return squeeze(
    parameters,
    config,
    linear(
      flattenPatches(tokenStage(parameters, config, embedded), config),
      tensorOf(parameters, 'encoder.squeeze_layer.weight'),
    ),
  );
}

/**
 * The part of the encoder that sees one token alone: the first half of its layers, [tokens, hidden] →
 * [tokens, hidden].
 */
export function tokenStage(parameters: TensorMap, config: AutoencoderConfig, embedded: Tensor): Tensor {
  return residualLayers(
    parameters,
    config,
    'encoder.encoder_layers',
    0,
    Math.floor(config.numEncoderLayers / 2),
    embedded,
  );
}

/** The rest of the encoder, from the squeezed product (before its bias), [patches, hidden]. */
export function squeeze(parameters: TensorMap, config: AutoencoderConfig, squeezed: Tensor): PatchGaussians {
  const half = Math.floor(config.numEncoderLayers / 2);
  const shifted = tf.add(squeezed, tensorOf(parameters, 'encoder.squeeze_layer.bias'));
  const hidden = residualLayers(parameters, config, 'encoder.encoder_layers', half, 2 * half, shifted);
  const normed = rmsNorm(hidden, tensorOf(parameters, 'encoder.norm.weight'), config.rmsNormEps);
  const latent = linear(
    normed,
    tensorOf(parameters, 'encoder.hidden_to_latent.weight'),
    tensorOf(parameters, 'encoder.hidden_to_latent.bias'),
  );
  const [mean, logStd] = tf.split(latent, 2, -1) as [Tensor, Tensor];
  return { mean, logStd };
}

/**
 * Latents to token logits.
 * @param latents [patches, latent]
 * @returns [patches·K, vocabulary]
 */
export function decode(parameters: TensorMap, config: AutoencoderConfig, latents: Tensor): Tensor {
  return linear(
    decodeHidden(parameters, config, latents),
    tensorOf(parameters, 'encoder.embed_tokens.weight'),
  );
}

/** The decoder up to its tied head, [patches·K, hidden]. */
function decodeHidden(parameters: TensorMap, config: AutoencoderConfig, latents: Tensor): Tensor {
  return expandPatches(parameters, config, decodePatches(parameters, config, latents));
}

/** The part of the decoder that sees a patch as a whole, [patches, latent] → [patches, hidden]. */
export function decodePatches(parameters: TensorMap, config: AutoencoderConfig, latents: Tensor): Tensor {
  const hidden = linear(
    latents,
    tensorOf(parameters, 'decoder.latent_to_hidden.weight'),
    tensorOf(parameters, 'decoder.latent_to_hidden.bias'),
  );
  return residualLayers(
    parameters,
    config,
    'decoder.decoder_layers',
    0,
    Math.floor(config.numDecoderLayers / 2),
    hidden,
  );
}

/**
 * The rest of it up to the tied head, where each token stands alone: all K of each patch, [patches·K,
 * hidden], or those at one position, [patches, hidden].
 */
function expandPatches(
  parameters: TensorMap,
  config: AutoencoderConfig,
  patches: Tensor,
  position?: number,
): Tensor {
  const { hiddenSize, patchSize } = config;
  const [first, count] = position === undefined ? [0, patchSize] : [position, 1];
  const weight = tf.slice(
    tensorOf(parameters, 'decoder.expand_layer.weight'),
    [first * hiddenSize, 0],
    [count * hiddenSize, hiddenSize],
  );
  const bias = tf.slice(
    tensorOf(parameters, 'decoder.expand_layer.bias'),
    [first * hiddenSize],
    [count * hiddenSize],
  );
  const half = Math.floor(config.numDecoderLayers / 2);
  const tokens = tf.reshape(linear(patches, weight, bias), [-1, hiddenSize]);
  const refined = residualLayers(parameters, config, 'decoder.decoder_layers', half, 2 * half, tokens);
  return rmsNorm(refined, tensorOf(parameters, 'decoder.norm.weight'), config.rmsNormEps);
}

/**
 * The likeliest tokens of patches in the middle of the decoder.
 * @param patches of decodePatches, [patches, hidden]
 * @param position of the token in the patch; all K where it is absent
 * @returns [patches·K] or [patches], int32
 */
export function decodePatchTokens(
  parameters: TensorMap,
  config: AutoencoderConfig,
  patches: Tensor,
  position?: number,
): Tensor {
  return linearArgMax(
    expandPatches(parameters, config, patches, position),
    tensorOf(parameters, 'encoder.embed_tokens.weight'),
  );
}

/** Latents [patches, latent] to the likeliest tokens [patches, K], int32. */
export function decodeTokens(parameters: TensorMap, config: AutoencoderConfig, latents: Tensor): Tensor {
  return tf.reshape(
    linearArgMax(
      decodeHidden(parameters, config, latents),
      tensorOf(parameters, 'encoder.embed_tokens.weight'),
    ),
    [-1, config.patchSize],
  );
}

/**
 * The training loss (paper eq. 1, 2, 4). The labels are the undropped ids; the KL sees the encoder of the
 * dropped ones.
 * @param ids [patches·K], int32
 * @param draws needed by the robust variant
 */
export function autoencoderLoss(
  parameters: TensorMap,
  config: AutoencoderConfig,
  ids: Tensor,
  draws?: AutoencoderDraws,
): AutoencoderLoss {
  const isRobust = config.variant === 'robust' && draws !== undefined;
  const { mean, logStd } = encode(parameters, config, isRobust ? tf.mul(ids, draws.tokenMask) : ids);
  const latents = isRobust
    ? dropLatents(
        addNoise({ mean, logStd }, draws.noise),
        draws.latentMask,
        config.latentDropout ?? config.aeDropout,
      )
    : mean;
  const tokenLoss = linearCrossEntropy(
    decodeHidden(parameters, config, latents),
    tensorOf(parameters, 'encoder.embed_tokens.weight'),
    ids,
  );
  const kl = isRobust ? clippedKl(mean, logStd, config.klClamp) : tf.scalar(0);
  return {
    loss: tf.add(tf.mul(tokenLoss, config.patchSize), tf.mul(kl, config.klWeight)),
    crossEntropy: tokenLoss,
    kl,
  };
}

/** z = mean + noise · exp(logStd). */
export function addNoise({ mean, logStd }: PatchGaussians, noise: Tensor): Tensor {
  return tf.add(mean, tf.mul(noise, tf.exp(logStd)));
}

/** Inverted dropout: kept values grow by 1/(1 − rate). */
function dropLatents(latents: Tensor, mask: Tensor, rate: number): Tensor {
  return tf.mul(latents, tf.mul(mask, 1 / (1 - rate)));
}

/** [patches·K, hidden] → [patches, K·hidden]. */
function flattenPatches(tokens: Tensor, config: AutoencoderConfig): Tensor {
  return tf.reshape(tokens, [-1, config.patchSize * config.hiddenSize]);
}

/** x ← x + SwiGLU(RMSNorm(x)) for layers [first, last). */
function residualLayers(
  parameters: TensorMap,
  config: AutoencoderConfig,
  name: string,
  first: number,
  last: number,
  x: Tensor,
): Tensor {
  let hidden = x;
  for (let i = first; i < last; i++) {
    const normed = rmsNorm(hidden, tensorOf(parameters, `${name}.${i}.layernorm.weight`), config.rmsNormEps);
    hidden = tf.add(hidden, swiglu(parameters, `${name}.${i}.mlp`, normed));
  }
  return hidden;
}
