/**
 * The two network calls of decoding, as compiled steps: the backbone over new patches, and tokens drawn from a hidden state.
 * B rows · P new patches · N candidates · K tokens a patch · Z noise.
 */

import { type CompiledStep, disposeTree, type Engine, floatTensor, readIntegers, type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { decodeTokens } from '../autoencoder/autoencoder.ts';
import type { LanguageModel } from '../language-model.ts';
import { embedPatches, type KeyValueCache, runBackbone } from './backbone.ts';
import { sampleEnergyHead } from './heads/energy.ts';

/** Patches are fed in pieces of at most this many, so that a long prompt's attention stays small. */
const PATCHES_A_PIECE = 512;

type FeedInputs = { readonly parameters: TensorMap; readonly ids: Tensor; readonly cache: KeyValueCache };
type FeedOutputs = { readonly hidden: Tensor; readonly cache: KeyValueCache };
type DrawInputs = { readonly parameters: TensorMap; readonly autoencoder: TensorMap; readonly hidden: Tensor; readonly noise: Tensor };

/** Runs a language model patch by patch. Tensors that it returns belong to the caller. */
export class PatchDecoder {
  readonly model: LanguageModel;
  readonly #engine: Engine;
  #feed: CompiledStep<FeedInputs, FeedOutputs> | undefined;
  #draw: CompiledStep<DrawInputs, Tensor> | undefined;

  constructor(engine: Engine, model: LanguageModel) {
    this.#engine = engine;
    this.model = model;
  }

  /**
   * Feeds patches after those of `cache`.
   * @param ids [rows, patches·K], int32
   * @returns the hidden state at every new patch, [rows, patches, hidden], and the grown cache
   */
  async feed(ids: Tensor, cache: KeyValueCache = {}): Promise<FeedOutputs> {
    const [rows, width] = ids.shape as [number, number];
    const piece = PATCHES_A_PIECE * this.model.config.patchSize;
    if (width <= piece) return this.#feedPiece(ids, cache);
    const [head, tail] = [tf.slice(ids, [0, 0], [rows, piece]), tf.slice(ids, [0, piece])];
    const first = await this.#feedPiece(head, cache);
    const rest = await this.feed(tail, first.cache);
    const hidden = tf.concat([first.hidden, rest.hidden], 1);
    disposeTree({ first, rest: rest.hidden, head, tail });
    return { hidden, cache: rest.cache };
  }

  /**
   * Draws candidates for the patch after each hidden state.
   * @param hidden [positions, hidden]
   * @param noise uniform in [−½, ½), [candidates, positions, noise]
   * @returns token ids, [candidates·positions·K], candidate by candidate
   */
  async draw(hidden: Tensor, noise: Float32Array): Promise<Int32Array> {
    const { config, parameters, autoencoder } = this.model;
    const noiseTensor = floatTensor(noise, [noise.length / (hidden.shape[0] * config.noiseSize), hidden.shape[0], config.noiseSize]);
    const inputs = { parameters, autoencoder: autoencoder.parameters, hidden, noise: noiseTensor };
    this.#draw ??= await this.#engine.compile((given: DrawInputs) => {
      const latents = sampleEnergyHead(given.parameters, config, given.hidden, given.noise);
      return decodeTokens(given.autoencoder, autoencoder.config, tf.reshape(latents, [-1, config.latentSize]));
    }, inputs);
    const tokens = await this.#draw(inputs);
    const ids = await readIntegers(tokens);
    disposeTree({ tokens, noiseTensor });
    return ids;
  }

  async #feedPiece(ids: Tensor, cache: KeyValueCache): Promise<FeedOutputs> {
    const { config, parameters } = this.model;
    const inputs = { parameters, ids, cache };
    this.#feed ??= await this.#engine.compile(
      (given: FeedInputs) => runBackbone(given.parameters, config, embedPatches(given.parameters, config, given.ids), given.cache) as FeedOutputs,
      inputs,
    );
    return this.#feed(inputs);
  }
}
