/**
 * What a generative head is: a distribution of latent vectors given a hidden state, that can be trained and sampled from.
 * R positions · N candidates · H hidden · L latent.
 */

import type { Engine, LossOutputs, Tensor, TensorMap } from '../../../engine/index.ts';
import type { RandomStream } from '../../../random.ts';
import type { PatchGaussians } from '../../autoencoder/autoencoder.ts';
import type { ParameterTable } from '../../parameters.ts';
import type { CalmConfig } from '../config.ts';
import type { HeadSampling } from './sampling.ts';

/** A stream of random numbers of its own for each purpose. */
export type Streams = (purpose: string) => RandomStream;

/**
 * Draws latents. The noise is flat, as many numbers as `noiseSize` says for each candidate of each position; its layout is the head's own.
 * @returns [candidates, positions, latent]; the caller disposes it
 */
export type HeadSampler = (parameters: TensorMap, hidden: Tensor, noise: Float32Array) => Promise<Tensor>;

export interface Head {
  /** Trainable parameters. */
  readonly table: (config: CalmConfig) => ParameterTable;
  /** The random tensors of one training step on `positions` hidden states; `numTargets` is M, which only some heads use. */
  readonly drawTraining: (
    config: CalmConfig,
    positions: number,
    numTargets: number,
    streams: Streams,
  ) => TensorMap;
  /**
   * The loss of a batch, pure, averaged over positions; its companions are logged.
   * @param hidden [positions, hidden]
   * @param targets of each position, [positions, latent]
   * @param draws of drawTraining
   */
  readonly loss: (
    parameters: TensorMap,
    config: CalmConfig,
    hidden: Tensor,
    targets: PatchGaussians,
    draws: TensorMap,
  ) => LossOutputs;
  /** Numbers of noise that one sample takes. */
  readonly noiseSize: (config: CalmConfig, sampling: HeadSampling) => number;
  /** `size` numbers of the noise that this head starts from. */
  readonly drawNoise: (stream: RandomStream, size: number) => Float32Array;
  /** How often the network is evaluated for one sample. */
  readonly evaluations: (sampling: HeadSampling) => number;
  /** Makes a sampler; options that the head does not have are errors. */
  readonly sampler: (engine: Engine, config: CalmConfig, sampling: HeadSampling) => HeadSampler;
}
