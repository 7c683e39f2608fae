/**
 * CALM (paper §3): backbone and energy head together, and the training loss.
 * B batch · P patches · K tokens a patch · R = B·(P−1) positions · N model samples · M target samples · L latent.
 */

import { type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { energyParts } from '../../math/index.ts';
import { addNoise, type PatchGaussians } from '../autoencoder/autoencoder.ts';
import type { ParameterTable } from '../parameters.ts';
import { backboneTable, embedPatches, runBackbone } from './backbone.ts';
import type { CalmConfig } from './config.ts';
import { energyHeadTable, sampleEnergyHead } from './heads/energy.ts';

/** Every trainable parameter of the language model, under the reference's names. */
export function calmTable(config: CalmConfig): ParameterTable {
  return { ...backboneTable(config), ...energyHeadTable(config) };
}

/** One batch: sequences, and the frozen encoder's Gaussians of the patches that are to be predicted. */
export interface CalmBatch {
  /** [batch, (patches−1)·K], int32: every patch but the last. */
  readonly ids: Tensor;
  /** Of every patch but the first, row by row: mean and logStd [positions, latent]. */
  readonly targets: PatchGaussians;
  /** Which of the batch·(patches−1) hidden states predict a target; all of them where it is absent. int32 [positions]. */
  readonly positions?: Tensor;
}

/** The random draws of one step. */
export interface CalmDraws {
  /** Uniform in [−½, ½), [N, positions, noise]. */
  readonly noise: Tensor;
  /** Standard normal, [positions, M, latent]. */
  readonly targetNoise: Tensor;
}

/** The hidden state at every patch of `batch.ids`: [batch·(patches−1), hidden], row by row. */
export function hiddenStates(parameters: TensorMap, config: CalmConfig, ids: Tensor): Tensor {
  const { hidden } = runBackbone(parameters, config, embedPatches(parameters, config, ids));
  return tf.reshape(hidden, [-1, config.hiddenSize]);
}

/** Model samples and targets of a batch: x [positions, N, latent], y [positions, M, latent]. */
export function samplesAndTargets(parameters: TensorMap, config: CalmConfig, batch: CalmBatch, draws: CalmDraws): { samples: Tensor; targets: Tensor } {
  const all = hiddenStates(parameters, config, batch.ids);
  const hidden = batch.positions ? tf.gather(all, batch.positions as tf.Tensor1D) : all;
  const samples = tf.transpose(sampleEnergyHead(parameters, config, hidden, draws.noise), [1, 0, 2]);
  const { mean, logStd } = batch.targets;
  const targets = addNoise({ mean: tf.expandDims(mean, 1), logStd: tf.expandDims(logStd, 1) }, draws.targetNoise);
  return { samples, targets };
}

/** The energy loss of a batch, averaged over positions, and its two terms for the log: fidelity 2·E‖x−y‖^β and diversity E‖x−x′‖^β. */
export function calmLoss(parameters: TensorMap, config: CalmConfig, batch: CalmBatch, draws: CalmDraws): { loss: Tensor; fidelity: Tensor; diversity: Tensor } {
  const { samples, targets } = samplesAndTargets(parameters, config, batch, draws);
  const parts = energyParts(samples, targets, config.beta);
  const [fidelity, diversity] = [tf.mean(parts.fidelity), tf.mean(parts.diversity)];
  return { loss: tf.sub(fidelity, diversity), fidelity, diversity };
}
