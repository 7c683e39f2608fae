/**
 * CALM (paper §3): backbone and generative head together, and the training loss.
 * B batch · P patches · K tokens a patch · R = B·(P−1) positions · L latent.
 */

import { type LossOutputs, type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import type { PatchGaussians } from '../autoencoder/autoencoder.ts';
import type { ParameterTable } from '../parameters.ts';
import { backboneTable, embedPatches, runBackbone } from './backbone.ts';
import type { CalmConfig } from './config.ts';
import type { AnyHead } from './heads/head.ts';

/** Every trainable parameter of the language model, under the reference's names. */
export function calmTable(config: CalmConfig, head: AnyHead): ParameterTable {
  return { ...backboneTable(config), ...head.table(config) };
}

/** One batch: sequences, and the frozen encoder's Gaussians of the patches that are to be predicted. */
export interface CalmBatch {
  /** [batch, (patches−1)·K], int32: every patch but the last. */
  readonly ids: Tensor;
  /** The encoder's means of those patches, [batch, patches−1, latent], where the input is not discrete. */
  readonly latents?: Tensor;
  /** Of every patch but the first, row by row: mean and logStd [positions, latent]. */
  readonly targets: PatchGaussians;
  /**
   * Which of the batch·(patches−1) hidden states predict a target; all of them where it is absent. int32
   * [positions].
   */
  readonly positions?: Tensor;
  /** Of those positions, adding up to 1; where it is absent each counts the same. */
  readonly weights?: Tensor;
}

/** The hidden state at every patch of `batch.ids`: [batch·(patches−1), hidden], row by row. */
export function hiddenStates(
  parameters: TensorMap,
  config: CalmConfig,
  ids: Tensor,
  latents?: Tensor,
): Tensor {
  const { hidden } = runBackbone(parameters, config, embedPatches(parameters, config, ids, latents));
  return tf.reshape(hidden, [-1, config.hiddenSize]);
}

/**
 * The head's loss of a batch, averaged over positions, with its companions for the log.
 * @param draws of the head's drawTraining or drawHeldOut
 */
export function calmLoss(
  parameters: TensorMap,
  config: CalmConfig,
  head: AnyHead,
  batch: CalmBatch,
  draws: TensorMap,
): LossOutputs {
  const all = hiddenStates(parameters, config, batch.ids, batch.latents);
  const hidden = batch.positions ? tf.gather(all, batch.positions as tf.Tensor1D) : all;
  return head.loss(parameters, config, hidden, batch.targets, draws, batch.weights);
}
