/**
 * The network calls of decoding a discrete Transformer, as compiled steps: a language model with patches of
 * one token and
 * a likelihood.
 * B rows · T tokens · M positions · S candidates · V vocabulary.
 */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  readFloat,
  readFloats,
  type Tensor,
  type TensorMap,
  tf,
} from '../../engine/index.ts';
import type { RandomStream } from '../../random.ts';
import { CachedSequence } from '../cached-sequence.ts';
import type { Branches, Past } from '../llama.ts';
import { initParameters } from '../parameters.ts';
import type { Likelihood, PatchDraws, PatchModel } from '../patch-model.ts';
import type { TransformerConfig } from './config.ts';
import {
  runTransformer,
  type Transformer,
  tokenLogits,
  transformerLoss,
  transformerTable,
} from './transformer.ts';

/** Probabilities read at once hold about this many numbers (16 MB). */
const PIECE_SIZE = 2 ** 22;

type LossInputs = {
  readonly parameters: TensorMap;
  readonly ids: Tensor;
  readonly targets: Tensor;
  readonly positions?: Tensor;
  readonly weights?: Tensor;
};

/** Runs a Transformer token by token. Tensors that it returns belong to the caller. */
export class TransformerDecoder implements PatchModel {
  model: Transformer;
  readonly config: TransformerConfig;
  readonly patchSize = 1;
  /** A token is drawn by one uniform number. */
  readonly noiseSize = 1;
  readonly noiseWidth = 1;
  /** Feeds it, and looks at branches of what was fed. */
  readonly sequence: CachedSequence<TensorMap>;
  readonly likelihood: Likelihood;
  readonly #engine: Engine;
  readonly #distribution: CompiledStep<
    { readonly parameters: TensorMap; readonly hidden: Tensor },
    { probabilities: Tensor }
  >;

  readonly #loss: CompiledStep<LossInputs, { loss: Tensor }>;

  /** @param isTraining weights that will be others soon (see `use`) are not built into graphs */
  constructor(engine: Engine, model: Transformer, isTraining = false) {
    this.model = model;
    this.config = model.config;
    this.#engine = engine;
    this.likelihood = {
      eachDistribution: (...given) => this.eachDistribution(...given),
      crossEntropy: (ids, targets, counted) => this.#crossEntropy({ ids, targets, ...counted }),
    };
    const forward = (given: TensorMap, ids: Tensor, past?: Past | Branches) =>
      runTransformer(given, model.config, ids, past);
    this.sequence = new CachedSequence<TensorMap>(engine, model.parameters, 1, forward, isTraining);
    this.#distribution = engine.compile(
      ({ parameters, hidden }) => ({ probabilities: tf.softmax(tokenLogits(parameters, hidden)) }),
      {
        constants: isTraining ? [] : ['parameters'],
      },
    );
    this.#loss = engine.compile(({ parameters, ids, targets, positions, weights }: LossInputs) => ({
      loss: transformerLoss(parameters, model.config, ids, targets, positions, weights),
    }));
  }

  /** Goes on with other weights of the same model. */
  use(parameters: TensorMap): void {
    this.model = { ...this.model, parameters };
    this.sequence.use(parameters);
  }

  untrained(seed: number): PatchModel {
    const { config } = this;
    const parameters = initParameters(transformerTable(config), seed, config.initializerRange);
    return new TransformerDecoder(this.#engine, { config, parameters });
  }

  dispose(): void {
    disposeTree(this.model.parameters);
  }

  async #crossEntropy(given: Omit<LossInputs, 'parameters'>): Promise<number> {
    const { loss } = await this.#loss({ parameters: this.model.parameters, ...given });
    const value = await readFloat(loss);
    loss.dispose();
    return value;
  }

  drawNoise(stream: RandomStream, size: number): Float32Array {
    return stream.uniforms(size);
  }

  /**
   * Shows the distribution of the next token after each hidden state, in order; a piece of the positions is
   * computed at a time.
   * @param hidden [positions, hidden]
   * @param visit is given [vocabulary] numbers for each position
   * @param pause awaited before each piece
   */
  async eachDistribution(
    hidden: Tensor,
    visit: (position: number, probabilities: Float32Array) => void,
    pause?: () => Promise<void>,
  ): Promise<void> {
    const { hiddenSize, vocabSize } = this.model.config;
    const count = hidden.shape[0];
    const length = Math.max(1, Math.floor(PIECE_SIZE / vocabSize));
    for (let first = 0; first < count; first += length) {
      await pause?.();
      const piece = tf.slice(hidden, [first, 0], [Math.min(length, count - first), hiddenSize]);
      const { probabilities } = await this.#distribution({
        parameters: this.model.parameters,
        hidden: piece,
      });
      const values = await readFloats(probabilities);
      for (let i = 0; i < piece.shape[0]; i++)
        visit(first + i, values.subarray(i * vocabSize, (i + 1) * vocabSize));
      disposeTree({ piece, probabilities });
    }
  }

  /**
   * Draws candidates for the token after each hidden state.
   * @param hidden [positions, hidden]
   * @param noise uniform in [0, 1), [candidates, positions]
   * @param pause awaited between pieces of the positions
   */
  async draw(hidden: Tensor, noise: Float32Array, pause?: () => Promise<void>): Promise<PatchDraws> {
    const positions = hidden.shape[0];
    const tokens = new Int32Array(noise.length);
    const drawAt = (position: number, probabilities: Float32Array) => {
      const draw = inverseCdf(probabilities);
      for (let at = position; at < noise.length; at += positions) tokens[at] = draw(noise[at] as number);
    };
    await this.eachDistribution(hidden, drawAt, pause);
    return {
      tokens,
      numPatches: tokens.length,
      decode: async () => {},
      decodeAll: async () => tokens,
      dispose: () => {},
    };
  }
}

/**
 * Draws from weights by uniform numbers in [0, 1): the first outcome whose cumulative share exceeds the
 * number.
 */
export function inverseCdf(weights: ArrayLike<number>): (uniform: number) => number {
  const cumulative = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) cumulative[i] = total += weights[i] as number;
  return (uniform) => {
    const wanted = uniform * total;
    let [low, high] = [0, weights.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
