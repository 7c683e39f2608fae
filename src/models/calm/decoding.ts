/**
 * The network calls of decoding, as compiled steps: the backbone over new patches, patches drawn from a hidden state, and their tokens.
 * B rows · P new patches · N candidates · K tokens a patch · Z noise.
 */

import { type CompiledStep, disposeTree, type Engine, floatTensor, intTensor, readIntegers, type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { decodePatches, decodePatchTokens } from '../autoencoder/autoencoder.ts';
import type { Autoencoder, LanguageModel } from '../language-model.ts';
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
  #draw: CompiledStep<DrawInputs, { patches: Tensor }> | undefined;
  #tokenDecoder: TokenDecoder | undefined;

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
      { constants: ['parameters'] },
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
   * Draws candidates for the patch after each hidden state. Their tokens are decoded when they are asked for.
   * @param hidden [positions, hidden]
   * @param noise uniform in [−½, ½), [candidates, positions, noise]
   * @returns candidates·positions patches, candidate by candidate; the caller disposes them
   */
  async draw(hidden: Tensor, noise: Float32Array): Promise<DrawnPatches> {
    const { config, parameters, autoencoder } = this.model;
    const noiseTensor = floatTensor(noise, [noise.length / (hidden.shape[0] * config.noiseSize), hidden.shape[0], config.noiseSize]);
    const inputs = { parameters, autoencoder: autoencoder.parameters, hidden, noise: noiseTensor };
    this.#draw ??= this.#engine.compile(
      (given: DrawInputs) => {
        const latents = sampleEnergyHead(given.parameters, config, given.hidden, given.noise);
        return { patches: decodePatches(given.autoencoder, autoencoder.config, tf.reshape(latents, [-1, config.latentSize])) };
      },
      { constants: ['parameters', 'autoencoder'] },
    );
    const { patches } = await this.#draw(inputs);
    noiseTensor.dispose();
    this.#tokenDecoder ??= new TokenDecoder(this.#engine, autoencoder);
    return new DrawnPatches(this.#tokenDecoder, patches);
  }
}

type TokenInputs = { readonly parameters: TensorMap; readonly patches: Tensor; readonly rows: Tensor };

/** Decodes tokens of patches: those at one position of many, or all of a few. Compiled steps, one for each position and one for whole patches. */
class TokenDecoder {
  readonly autoencoder: Autoencoder;
  readonly #isCompiling: boolean;
  readonly #whole: CompiledStep<TokenInputs, { tokens: Tensor }>;
  readonly #single: readonly CompiledStep<TokenInputs, { tokens: Tensor }>[];

  constructor(engine: Engine, autoencoder: Autoencoder) {
    this.autoencoder = autoencoder;
    this.#isCompiling = engine.isCompiling;
    const step = (position?: number) =>
      engine.compile(
        ({ parameters, patches, rows }: TokenInputs) => ({
          tokens: decodePatchTokens(parameters, autoencoder.config, tf.gather(patches, rows as tf.Tensor1D), position),
        }),
        { constants: ['parameters'] },
      );
    this.#whole = step();
    this.#single = Array.from({ length: autoencoder.config.patchSize }, (_, position) => step(position));
  }

  /**
   * Tokens of the patches that `rows` names: all K of each, [rows·K], or those at one position, [rows].
   * Row counts are rounded where each has a graph of its own; what is decoded too much is row 0.
   */
  async decode(patches: Tensor, rows: readonly number[], position?: number): Promise<Int32Array> {
    const rounded = Math.max(FEW_ROWS, 2 ** Math.ceil(Math.log2(rows.length)));
    const padded = new Int32Array(this.#isCompiling && rows.length < patches.shape[0] ? rounded : rows.length);
    padded.set(rows);
    const inputs = { parameters: this.autoencoder.parameters, patches, rows: intTensor(padded) };
    const { tokens } = await (position === undefined ? this.#whole : this.#single[position])(inputs);
    const ids = await readIntegers(tokens);
    disposeTree({ tokens, rows: inputs.rows });
    return ids.subarray(0, position === undefined ? rows.length * this.autoencoder.config.patchSize : rows.length);
  }
}

/** Up to this many patches are decoded whole: their products wait for the weights, not for the rows. */
const FEW_ROWS = 8;

/**
 * Patches that were drawn, as vectors in the middle of the decoder. Scores and temperatures need few of their tokens: most candidates are out after the
 * first one. So a token is decoded when it is asked for.
 */
export class DrawnPatches {
  /** [patches·K]; −1 where no one has asked. */
  readonly tokens: Int32Array;
  readonly numPatches: number;
  readonly #decoder: TokenDecoder;
  readonly #patches: Tensor;

  constructor(decoder: TokenDecoder, patches: Tensor) {
    this.#decoder = decoder;
    this.#patches = patches;
    this.numPatches = patches.shape[0];
    this.tokens = new Int32Array(this.numPatches * decoder.autoencoder.config.patchSize).fill(-1);
  }

  /** Decodes what is not known yet of the tokens at these places in `tokens`. */
  async decode(places: Iterable<number>): Promise<void> {
    const { patchSize } = this.#decoder.autoencoder.config;
    const wanted: Set<number>[] = Array.from({ length: patchSize }, () => new Set());
    for (const place of places) if (this.tokens[place] < 0) wanted[place % patchSize].add(Math.floor(place / patchSize));
    const all = new Set(wanted.flatMap((rows) => [...rows]));
    const isWhole = all.size <= FEW_ROWS || wanted.every(({ size }) => size === all.size);
    if (all.size === 0) return;
    if (isWhole) {
      const ids = await this.#decoder.decode(this.#patches, [...all]);
      [...all].forEach((row, i) => {
        this.tokens.set(ids.subarray(i * patchSize, (i + 1) * patchSize), row * patchSize);
      });
      return;
    }
    for (const [position, set] of wanted.entries()) {
      if (set.size === 0) continue;
      const ids = await this.#decoder.decode(this.#patches, [...set], position);
      [...set].forEach((row, i) => {
        this.tokens[row * patchSize + position] = ids[i];
      });
    }
  }

  async decodeAll(): Promise<Int32Array> {
    await this.decode(this.tokens.keys());
    return this.tokens;
  }

  dispose(): void {
    this.#patches.dispose();
  }
}
