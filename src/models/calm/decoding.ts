/**
 * The network calls of decoding, as compiled steps: the backbone over new patches, patches drawn from a
 * hidden state, and their tokens.
 * B rows · P new patches · N candidates · K tokens a patch · L latent.
 */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  readIntegers,
  type Tensor,
  type TensorMap,
  tf,
} from '../../engine/index.ts';
import type { RandomStream } from '../../random.ts';
import { decodePatches, decodePatchTokens, encode } from '../autoencoder/autoencoder.ts';
import { CachedSequence } from '../cached-sequence.ts';
import type { Branches, Past } from '../llama.ts';
import type { Autoencoder, LanguageModel } from '../of-weights.ts';
import { initParameters } from '../parameters.ts';
import type { LatentDraws, PatchDraws, PatchModel } from '../patch-model.ts';
import { embedPatches, readsLatents, runBackbone } from './backbone.ts';
import { calmTable } from './calm.ts';
import type { CalmConfig } from './config.ts';
import type { HeadSampler } from './heads/head.ts';
import { type HeadSampling, samplingOptions } from './heads/sampling.ts';

/** What reading patches needs: the model, and the frozen encoder where the input is not discrete. */
export type ReaderWeights = { readonly language: TensorMap; readonly autoencoder?: TensorMap };
type MiddleInputs = { readonly autoencoder: TensorMap; readonly latents: Tensor };

/** Runs a CALM patch by patch. Tensors that it returns belong to the caller. */
export class PatchDecoder implements PatchModel {
  model: LanguageModel;
  readonly config: CalmConfig;
  readonly patchSize: number;
  /** Numbers of noise that one candidate takes. */
  readonly noiseSize: number;
  readonly noiseWidth: number;
  /** Feeds it, and looks at branches of what was fed. */
  readonly sequence: CachedSequence<ReaderWeights>;
  readonly latents: LatentDraws;
  readonly #engine: Engine;
  readonly #sampling: HeadSampling;
  readonly #sample: HeadSampler;
  readonly #toMiddle: CompiledStep<MiddleInputs, { patches: Tensor }>;
  readonly #tokenDecoder: TokenDecoder;

  /**
   * @param given options of the head's sampling; its defaults stand for the others
   * @param isTraining weights that will be others soon (see `use`) are not built into graphs
   */
  constructor(loaded: Engine, model: LanguageModel, given: HeadSampling = {}, isTraining = false) {
    const engine = isTraining ? withoutConstants(loaded) : loaded;
    const { config, head, autoencoder } = model;
    const sampling = samplingOptions(config.head.name, given);
    this.model = model;
    this.config = config;
    this.#engine = engine;
    this.#sampling = sampling;
    this.latents = { config, autoencoder, draw: (hidden, noise) => this.drawLatents(hidden, noise) };
    this.patchSize = config.patchSize;
    this.noiseSize = head.noiseSize(config, sampling);
    this.noiseWidth = head.noiseWidth?.(config) ?? this.noiseSize;
    this.#sample = head.sampler(engine, config, sampling);
    this.sequence = new CachedSequence<ReaderWeights>(
      engine,
      weightsOf(model),
      config.patchSize,
      (given, ids, past) => readPatches(model, given, ids, past),
    );
    this.#toMiddle = engine.compile(
      (given: MiddleInputs) => ({
        patches: decodePatches(given.autoencoder, autoencoder.config, given.latents),
      }),
      {
        constants: ['autoencoder'],
      },
    );
    this.#tokenDecoder = new TokenDecoder(engine, autoencoder);
  }

  /** Goes on with other weights of the same model. */
  use(parameters: TensorMap): void {
    this.model = { ...this.model, parameters };
    this.sequence.use(weightsOf(this.model));
  }

  /** `size` numbers of noise as the head wants them. */
  drawNoise(stream: RandomStream, size: number): Float32Array {
    return this.model.head.drawNoise(stream, size);
  }

  /**
   * Draws latents for the patch after each hidden state.
   * @param hidden [positions, hidden]
   * @param noise of the head, `noiseSize` numbers for each candidate of each position
   * @returns [candidates, positions, latent]
   */
  drawLatents(hidden: Tensor, noise: Float32Array): Promise<Tensor> {
    return this.#sample(this.model.parameters, hidden, noise);
  }

  /**
   * Draws candidates for the patch after each hidden state. Their tokens are decoded when they are asked for.
   * @returns candidates·positions patches, candidate by candidate; the caller disposes them
   */
  async draw(hidden: Tensor, noise: Float32Array): Promise<DrawnPatches> {
    const { autoencoder, config } = this.model;
    const drawn = await this.drawLatents(hidden, noise);
    const latents = tf.reshape(drawn, [-1, config.latentSize]);
    const { patches } = await this.#toMiddle({ autoencoder: autoencoder.parameters, latents });
    disposeTree({ drawn, latents });
    return new DrawnPatches(this.#tokenDecoder, patches);
  }

  untrained(seed: number): PatchModel {
    const { config, head } = this.model;
    const parameters = initParameters(calmTable(config, head), seed, config.initializerRange);
    const decoder = new PatchDecoder(this.#engine, { ...this.model, parameters }, this.#sampling);
    // The autoencoder is shared with this model.
    decoder.dispose = () => disposeTree(parameters);
    return decoder;
  }

  dispose(): void {
    disposeTree({ language: this.model.parameters, autoencoder: this.model.autoencoder.parameters });
  }
}

function weightsOf({ config, parameters, autoencoder }: LanguageModel): ReaderWeights {
  return {
    language: parameters,
    ...(readsLatents(config) ? { autoencoder: autoencoder.parameters } : {}),
  };
}

/** An engine that makes one graph for all weights. */
function withoutConstants(engine: Engine): Engine {
  return { ...engine, compile: (step, { donates = [] } = {}) => engine.compile(step, { donates }) };
}

/** Embedding and backbone; an input that is not discrete also gets the encoder's means. */
function readPatches(
  { config, autoencoder }: LanguageModel,
  given: ReaderWeights,
  ids: Tensor,
  past?: Past | Branches,
) {
  const latents =
    given.autoencoder &&
    tf.reshape(encode(given.autoencoder, autoencoder.config, tf.reshape(ids, [-1])).mean, [
      ids.shape[0],
      -1,
      config.latentSize,
    ]);
  return runBackbone(given.language, config, embedPatches(given.language, config, ids, latents), past);
}

type TokenInputs = { readonly parameters: TensorMap; readonly patches: Tensor };

/**
 * Decodes tokens of patches: those at one position of many, or all of a few. Compiled steps, one for each
 * position and one for whole patches.
 */
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
        ({ parameters, patches }: TokenInputs) => ({
          tokens: decodePatchTokens(parameters, autoencoder.config, patches, position),
        }),
        { constants: ['parameters'] },
      );
    this.#whole = step();
    this.#single = Array.from({ length: autoencoder.config.patchSize }, (_, position) => step(position));
  }

  /**
   * Tokens of the patches that `rows` names: all K of each, [rows·K], or those at one position, [rows].
   * Row counts are rounded where each has a graph of its own; what is decoded too much are zeros.
   */
  async decode(patches: Tensor, rows: readonly number[], position?: number): Promise<Int32Array> {
    const step = position === undefined ? this.#whole : this.#single[position];
    if (!step) throw new RangeError(`a patch has no position ${position}`);
    const chosen = this.#isCompiling
      ? await pick(patches, rows, Math.min(rounded(rows.length), patches.shape[0]))
      : tf.tidy(() => tf.gather(patches, [...rows]));
    const { tokens } = await step({ parameters: this.autoencoder.parameters, patches: chosen });
    const ids = await readIntegers(tokens);
    disposeTree({ tokens, chosen });
    return ids.subarray(
      0,
      position === undefined ? rows.length * this.autoencoder.config.patchSize : rows.length,
    );
  }
}

/**
 * Some rows of a matrix, and zeros behind them up to `size`. Outside of the graph, so that one graph serves
 * matrices of any height.
 */
async function pick(matrix: Tensor, rows: readonly number[], size: number): Promise<Tensor> {
  const width = matrix.shape[1] as number;
  const values = await matrix.data<'float32'>();
  const chosen = new Float32Array(size * width);
  for (const [i, row] of rows.entries())
    chosen.set(values.subarray(row * width, (row + 1) * width), i * width);
  return floatTensor(chosen, [size, width]);
}

/** Up to this many patches are decoded whole: their products wait for the weights, not for the rows. */
const FEW_ROWS = 8;

/** The next power of two, or one and a half of the one before. */
function rounded(rows: number): number {
  const power = 2 ** Math.ceil(Math.log2(rows));
  return Math.max(FEW_ROWS, 0.75 * power >= rows ? 0.75 * power : power);
}

/**
 * Patches that were drawn, as vectors in the middle of the decoder. Scores and temperatures need few of their
 * tokens: most candidates are out after the
 * first one. So a token is decoded when it is asked for.
 */
export class DrawnPatches implements PatchDraws {
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
    for (const place of places)
      if (this.tokens[place] === -1) wanted[place % patchSize]?.add(Math.floor(place / patchSize));
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
        this.tokens[row * patchSize + position] = ids[i] as number;
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
