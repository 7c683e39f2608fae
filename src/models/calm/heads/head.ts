/**
 * What a generative head is: a distribution of latent vectors given a hidden state, that can be trained and
 * sampled from.
 * R positions · N candidates · H hidden · L latent.
 */

import type { z } from 'zod';
import type { Engine, LossOutputs, Tensor, TensorMap } from '../../../engine/index.ts';
import type { RandomStream } from '../../../random.ts';
import type { Shape } from '../../../shapes.ts';
import type { PatchGaussians } from '../../autoencoder/autoencoder.ts';
import type { ParameterTable } from '../../parameters.ts';
import type { ValueLabels } from '../../value-labels.ts';

/** What a head is built for: the sizes of the model around it, and its own options. */
export interface HeadConfig<Options> {
  readonly hiddenSize: number;
  readonly latentSize: number;
  readonly patchSize: number;
  readonly head: Options;
}

/** A stream of random numbers of its own for each purpose. */
export type Streams = (purpose: string) => RandomStream;

/**
 * Draws latents. The noise is flat, as many numbers as `noiseSize` says for each candidate of each position;
 * its layout is the head's own.
 * @returns [candidates, positions, latent]; the caller disposes it
 */
export type HeadSampler = (parameters: TensorMap, hidden: Tensor, noise: Float32Array) => Promise<Tensor>;

/** FLOPs of one position, forward alone. */
export interface HeadFlops {
  /** Of the loss in a training step. */
  readonly training: number;
  /** Of one sample. */
  readonly inference: number;
}

/** A head's mathematics. Options and Sampling are what its two schemas give. */
export interface Head<Options, Sampling> {
  /**
   * Trainable parameters. Names must differ from those of the backbone, which begin with `transformer.`,
   * `embed_proj.` or `latent_proj.`.
   */
  readonly table: (config: HeadConfig<Options>) => ParameterTable;
  /** The random tensors of one training step on `positions` hidden states. */
  readonly drawTraining: (config: HeadConfig<Options>, positions: number, streams: Streams) => TensorMap;
  /** The same for a measurement on held-out sequences; as in training where absent. */
  readonly drawHeldOut?: (config: HeadConfig<Options>, positions: number, streams: Streams) => TensorMap;
  /**
   * The loss of a batch, pure, averaged over positions; its companions are logged.
   * @param hidden [positions, hidden]
   * @param targets of each position, [positions, latent]
   * @param draws of drawTraining or drawHeldOut
   * @param weights of the positions, adding up to 1, where not every patch is to be learnt; given to a head
   * alone that `takesWeights`
   */
  readonly loss: (
    parameters: TensorMap,
    config: HeadConfig<Options>,
    hidden: Tensor,
    targets: PatchGaussians,
    draws: TensorMap,
    weights?: Tensor,
  ) => LossOutputs;
  /** Whether the loss goes by weights; a head that does not can't be trained on prompts with completions. */
  readonly takesWeights?: boolean;
  /** Numbers of noise that one sample takes. */
  readonly noiseSize: (config: HeadConfig<Options>, sampling: Sampling) => number;
  /**
   * Noise is laid out as [parts, candidates, positions, width], `noiseSize / width` parts; one part where
   * absent. Texts that are written at once draw what each would draw alone by it.
   */
  readonly noiseWidth?: (config: HeadConfig<Options>) => number;
  /** `size` numbers of the noise that this head starts from. */
  readonly drawNoise: (stream: RandomStream, size: number) => Float32Array;
  readonly sampler: (engine: Engine, config: HeadConfig<Options>, sampling: Sampling) => HeadSampler;
  /** What it costs: two FLOPs for each number of a matrix and each row that goes through it. */
  readonly flops: (config: HeadConfig<Options>, sampling: Sampling) => HeadFlops;
}

/** Any head, as the registry holds it: its own schemas have checked what it is given. */
// biome-ignore lint/suspicious/noExplicitAny: heads are contravariant in their options.
export type AnyHead = Head<any, any>;

/** Names and shapes of a file's tensors. */
export interface TensorShapes {
  readonly has: (name: string) => boolean;
  readonly shapeOf: (name: string) => Shape | undefined;
}

/** What is known of a head without its mathematics; loads no tensor library. */
export interface HeadDescription {
  /** `head` in configurations, `model_type` in config.json; kebab-case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Options of training, in `head: { name: …, … }`, with their defaults. Saved in config.json. */
  readonly options: z.ZodObject;
  /** Options of sampling, in `headSampling: { … }` of the stages that draw samples, with their defaults. */
  readonly sampling: z.ZodObject;
  /** Option → its key in config.json, in camelCase, where that is not the option's own name. */
  readonly savedAs?: Readonly<Record<string, string>>;
  /** `architectures` in the config.json of an export; the name where absent. */
  readonly architecture?: string;
  /** What its loss logs besides `loss`: names, and which way each is better on held-out text. */
  readonly values?: ValueLabels;
  /** Whether weights are of this head. Without it `model_type` decides. */
  readonly recognises?: (weights: TensorShapes, sizes: { readonly latentSize: number }) => boolean;
}

export interface HeadEntry extends HeadDescription {
  readonly load: () => Promise<AnyHead>;
}
