/**
 * The two network calls of decoding, as compiled steps: the backbone over new patches, and tokens drawn from a hidden state.
 * B rows · P new patches · N candidates · K tokens a patch · Z noise.
 */

import { type CompiledStep, disposeTree, type Engine, floatTensor, readIntegers, type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { decodeTokens } from '../autoencoder/autoencoder.ts';
import type { LanguageModel } from '../language-model.ts';
import { embedPatches, extendCache, type KeyValueCache, padCache, runBackbone } from './backbone.ts';
import { sampleEnergyHead } from './heads/energy.ts';

/** Patches are fed in pieces of at most this many, so that a long prompt's attention stays small. */
const PATCHES_A_PIECE = 512;
/** Capacities of padded caches are multiples of this. */
const CAPACITY_STEP = 32;

type FeedInputs = { readonly parameters: TensorMap; readonly ids: Tensor; readonly past?: { readonly cache: KeyValueCache; readonly length: Tensor } };
type FeedOutputs = { readonly hidden: Tensor; readonly fresh: KeyValueCache };
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
   * Feeds patches after the first `length` of `cache`; all of it counts where `length` is absent.
   * @param ids [rows, patches·K], int32
   * @returns the hidden state at every new patch, [rows, patches, hidden], and the grown cache
   */
  async feed(ids: Tensor, cache: KeyValueCache = {}, length = cache.k0?.shape[2] ?? 0): Promise<{ hidden: Tensor; cache: KeyValueCache }> {
    const [rows, width] = ids.shape as [number, number];
    const piece = PATCHES_A_PIECE * this.model.config.patchSize;
    if (width <= piece) {
      const { hidden, fresh } = await this.look(ids, cache, length);
      const grown = extendCache(cache, length, fresh);
      disposeTree(fresh);
      return { hidden, cache: grown };
    }
    const [head, tail] = [tf.slice(ids, [0, 0], [rows, piece]), tf.slice(ids, [0, piece])];
    const first = await this.feed(head, cache, length);
    const rest = await this.feed(tail, first.cache);
    const hidden = tf.concat([first.hidden, rest.hidden], 1);
    disposeTree({ first, rest: rest.hidden, head, tail });
    return { hidden, cache: rest.cache };
  }

  /** Like feed, for patches that nothing will follow: the cache is left as it is, and only what is new is returned. */
  async look(ids: Tensor, cache: KeyValueCache, length: number): Promise<FeedOutputs> {
    const { config, parameters } = this.model;
    const padded = this.roundCapacity(cache);
    const lengthTensor = floatTensor(Float32Array.of(length), []);
    const inputs: FeedInputs = length === 0 ? { parameters, ids } : { parameters, ids, past: { cache: padded, length: lengthTensor } };
    this.#feed ??= this.#engine.compile(
      (given: FeedInputs) => runBackbone(given.parameters, config, embedPatches(given.parameters, config, given.ids), given.past) as FeedOutputs,
    );
    const outputs = await this.#feed(inputs);
    lengthTensor.dispose();
    if (padded !== cache) disposeTree(padded);
    return outputs;
  }

  /**
   * The cache as this engine likes it. One that compiles has a graph for each shape, and capacities in steps keep them few; for others, and where
   * the capacity fits, it is the cache itself. Whoever looks at one cache many times rounds it once.
   */
  roundCapacity(cache: KeyValueCache): KeyValueCache {
    const capacity = cache.k0?.shape[2] ?? 0;
    const wanted = this.#engine.isCompiling ? Math.ceil(capacity / CAPACITY_STEP) * CAPACITY_STEP : capacity;
    return wanted === capacity ? cache : padCache(cache, wanted);
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
    this.#draw ??= this.#engine.compile((given: DrawInputs) => {
      const latents = sampleEnergyHead(given.parameters, config, given.hidden, given.noise);
      return decodeTokens(given.autoencoder, autoencoder.config, tf.reshape(latents, [-1, config.latentSize]));
    });
    const tokens = await this.#draw(inputs);
    const ids = await readIntegers(tokens);
    disposeTree({ tokens, noiseTensor });
    return ids;
  }
}
