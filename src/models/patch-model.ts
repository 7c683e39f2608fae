/**
 * What a language model is to whoever evaluates it or writes text with it: a sequence that is fed and
 * branched, draws of
 * patches, and a likelihood where there is one. A discrete Transformer is the case K = 1 with a likelihood; a
 * CALM has
 * none, and has latent vectors instead.
 * B rows · P patches · K tokens a patch · N candidates · V vocabulary.
 */

import type { Tensor } from '../engine/index.ts';
import type { RandomStream } from '../random.ts';
import type { Branch, SequenceState } from './cached-sequence.ts';
import type { CalmConfig } from './calm/config.ts';
import type { KeyValueCache } from './llama.ts';
import type { Autoencoder } from './of-weights.ts';

/**
 * Awaited between pieces of work that are short: engine calls, batches, resamples. It lets the event loop
 * turn, and throws
 * where the work is to stop. It changes no number.
 */
export type Pause = () => Promise<void>;

/** Patches that were drawn, candidate by candidate. Their tokens are decoded when they are asked for. */
export interface PatchDraws {
  /** [patches·K]; −1 where a token is not decoded yet. */
  readonly tokens: Int32Array;
  readonly numPatches: number;
  /** Decodes what is not known yet of the tokens at these places in `tokens`. */
  decode(places: Iterable<number>): Promise<void>;
  decodeAll(): Promise<Int32Array>;
  dispose(): void;
}

/** Sequences of patches. Tensors that it returns belong to the caller. */
export interface PatchSequence {
  /**
   * Feeds patches after those of the past.
   * @param ids [rows, patches·K]
   * @param pause awaited between the pieces of many patches
   * @returns hidden states, [rows, patches, hidden]
   */
  feed(ids: Tensor, past?: SequenceState, pause?: Pause): Promise<{ hidden: Tensor; state: SequenceState }>;
  /**
   * Feeds one patch to each of several sequences of different lengths, whose caches lie side by side.
   * @param ids [rows, K]
   * @param lengths of each row in patches; undefined of a row that is not fed
   * @returns hidden states, [rows, 1, hidden], and the cache with the new patches
   */
  feedRows(
    cache: KeyValueCache,
    ids: Tensor,
    lengths: readonly (number | undefined)[],
  ): Promise<{ hidden: Tensor; cache: KeyValueCache }>;
  /** The hidden state at every patch of sequences that nothing will follow, [rows, patches, hidden]. */
  look(ids: Tensor): Promise<Tensor>;
  /** Hidden states at the ends of branches, [branches, hidden]. */
  branch(state: SequenceState, branches: readonly Branch[]): Promise<Tensor>;
}

/** A model that knows how probable each next token is. */
export interface Likelihood {
  /**
   * Shows the distribution of the next token after each hidden state, in order.
   * @param hidden [positions, hidden]
   * @param visit is given [vocabulary] numbers for each position
   * @param pause awaited before each piece of the positions
   */
  eachDistribution(
    hidden: Tensor,
    visit: (position: number, probabilities: Float32Array) => void,
    pause?: Pause,
  ): Promise<void>;
  /**
   * The mean of −log p(next token) in nats.
   * @param ids [rows, tokens]
   * @param targets [rows·tokens], the next tokens; [positions] where not all count
   * @param counted the positions that count, and their weights
   */
  crossEntropy(
    ids: Tensor,
    targets: Tensor,
    counted?: { readonly positions?: Tensor; readonly weights?: Tensor },
  ): Promise<number>;
}

/** A model whose patches are drawn as latent vectors, which a frozen autoencoder decodes. */
export interface LatentDraws {
  readonly config: CalmConfig;
  readonly autoencoder: Autoencoder;
  /**
   * @param noise `noiseSize` numbers for each candidate of each position
   * @returns [candidates, positions, latent]
   */
  draw(hidden: Tensor, noise: Float32Array): Promise<Tensor>;
}

/** What every model's configuration says. */
export interface PatchModelConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly eosTokenId: number | null;
  readonly padTokenId: number | null;
  /** Positions of the sequences that it was trained on, where that is known. */
  readonly maxPositionEmbeddings?: number | undefined;
}

/** What writing text takes of a model. */
export interface TextSource extends Pick<PatchModel, 'patchSize' | 'noiseSize' | 'draw'> {
  readonly sequence: Pick<PatchSequence, 'feed'>;
  readonly likelihood?: Pick<Likelihood, 'eachDistribution'>;
}

export interface PatchModel {
  readonly config: PatchModelConfig;
  /** K. */
  readonly patchSize: number;
  /** Numbers of noise that one candidate takes. */
  readonly noiseSize: number;
  /**
   * Noise is laid out as [parts, candidates, positions, noiseWidth], `noiseSize / noiseWidth` parts: so the
   * noise of several positions is put together from that of each.
   */
  readonly noiseWidth: number;
  readonly sequence: PatchSequence;
  /**
   * Draws candidates for the patch after each hidden state.
   * @param hidden [positions, hidden]
   * @param noise `noiseSize` numbers for each candidate of each position, as `drawNoise` makes them
   * @param pause for a draw of several engine calls
   * @returns candidates·positions patches; the caller disposes them
   */
  draw(hidden: Tensor, noise: Float32Array, pause?: Pause): Promise<PatchDraws>;
  /** `size` numbers of the noise that patches are drawn from. */
  drawNoise(stream: RandomStream, size: number): Float32Array;
  readonly likelihood?: Likelihood;
  readonly latents?: LatentDraws;
  /**
   * The same model before its first step of training. Its weights are its own; dispose of it before this one.
   */
  untrained(seed: number): PatchModel;
  /** Frees the weights. */
  dispose(): void;
}
