/**
 * The network calls of decoding the discrete baseline, as compiled steps. Where CALM draws patches it draws tokens, so BrierLM's estimator takes either.
 * B rows · T tokens · M positions · S candidates · V vocabulary.
 */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  readFloats,
  type Tensor,
  type TensorMap,
  tf,
} from '../../engine/index.ts';
import type { RandomStream } from '../../random.ts';
import { CachedSequence } from '../cached-sequence.ts';
import type { Branches, Past } from '../llama.ts';
import { runTransformer, type Transformer, tokenLogits } from './transformer.ts';

/** Probabilities read at once hold about this many numbers (16 MB). */
const PIECE_SIZE = 2 ** 22;

/** Tokens that were drawn, all of them known. */
export interface DrawnTokens {
  readonly tokens: Int32Array;
  decode(): Promise<void>;
  dispose(): void;
}

/** Runs a Transformer token by token. Tensors that it returns belong to the caller. */
export class TransformerDecoder {
  model: Transformer;
  readonly patchSize = 1;
  /** A token is drawn by one uniform number. */
  readonly noiseSize = 1;
  /** Feeds it, and looks at branches of what was fed. */
  readonly sequence: CachedSequence<TensorMap>;
  readonly #distribution: CompiledStep<
    { readonly parameters: TensorMap; readonly hidden: Tensor },
    { probabilities: Tensor }
  >;

  /** @param isTraining weights that will be others soon (see `use`) are not built into graphs */
  constructor(engine: Engine, model: Transformer, isTraining = false) {
    this.model = model;
    const forward = (given: TensorMap, ids: Tensor, past?: Past | Branches) =>
      runTransformer(given, model.config, ids, past);
    this.sequence = new CachedSequence<TensorMap>(engine, model.parameters, 1, forward, isTraining);
    this.#distribution = engine.compile(
      ({ parameters, hidden }) => ({ probabilities: tf.softmax(tokenLogits(parameters, hidden)) }),
      {
        constants: isTraining ? [] : ['parameters'],
      },
    );
  }

  /** Goes on with other weights of the same model. */
  use(parameters: TensorMap): void {
    this.model = { ...this.model, parameters };
    this.sequence.use(parameters);
  }

  drawNoise(stream: RandomStream, size: number): Float32Array {
    return stream.uniforms(size);
  }

  /**
   * Shows the distribution of the next token after each hidden state, in order; a piece of the positions is computed at a time.
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
  async draw(hidden: Tensor, noise: Float32Array, pause?: () => Promise<void>): Promise<DrawnTokens> {
    const positions = hidden.shape[0];
    const tokens = new Int32Array(noise.length);
    const drawAt = (position: number, probabilities: Float32Array) => {
      const draw = inverseCdf(probabilities);
      for (let at = position; at < noise.length; at += positions) tokens[at] = draw(noise[at]);
    };
    await this.eachDistribution(hidden, drawAt, pause);
    return { tokens, decode: async () => {}, dispose: () => {} };
  }
}

/** Draws from weights by uniform numbers in [0, 1): the first outcome whose cumulative share exceeds the number. */
export function inverseCdf(weights: ArrayLike<number>): (uniform: number) => number {
  const cumulative = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) cumulative[i] = total += weights[i];
  return (uniform) => {
    const wanted = uniform * total;
    let [low, high] = [0, weights.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
