/** The frozen encoder over many patches, by tables. N patches · K tokens a patch · L latent. */

import type { Latents } from '../../artifacts/index.ts';
import { type CompiledStep, disposeTree, type Engine, intTensor, readFloats, type Tensor, type TensorMap } from '../../engine/index.ts';
import type { Autoencoder } from '../language-model.ts';
import type { PatchGaussians } from './autoencoder.ts';
import { encodeByTables, encoderTables } from './encoder-tables.ts';

type Inputs = { readonly parameters: TensorMap; readonly tables: Tensor; readonly ids: Tensor };

/** Makes the encoder's tables once and encodes with them. Free it when done. */
export class CorpusEncoder {
  readonly #parameters: TensorMap;
  readonly #tables: Tensor;
  readonly #run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>;

  private constructor(parameters: TensorMap, tables: Tensor, run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>) {
    this.#parameters = parameters;
    this.#tables = tables;
    this.#run = run;
  }

  static async create(engine: Engine, { config, parameters }: Autoencoder): Promise<CorpusEncoder> {
    const makeTables = engine.compile((given: TensorMap) => ({ tables: encoderTables(given, config) }));
    const { tables } = await makeTables(parameters);
    const run = engine.compile(
      (given: Inputs) => {
        const { mean, logStd }: PatchGaussians = encodeByTables(given.parameters, config, given.tables, given.ids);
        return { mean, logStd };
      },
      { constants: ['parameters'] },
    );
    return new CorpusEncoder(parameters, tables, run);
  }

  /** @param ids [patches·K] */
  async encode(ids: Int32Array): Promise<Latents> {
    const idTensor = intTensor(ids);
    const { mean, logStd } = await this.#run({ parameters: this.#parameters, tables: this.#tables, ids: idTensor });
    const latents = { mean: await readFloats(mean), logStd: await readFloats(logStd) };
    disposeTree({ mean, logStd, idTensor });
    return latents;
  }

  dispose(): void {
    this.#tables.dispose();
  }
}

/** Distinct patches that are remembered: 2¹⁸ of them take 134 MB at 64 numbers a latent. */
const REMEMBERED = 2 ** 18;
/** Fewest patches that are encoded at once; counts are rounded up to powers of two, because each has a graph of its own. */
const FEWEST = 64;

/**
 * Encodes a corpus, each distinct patch once: an encoder that sees a patch alone gives the same patch the same Gaussian. Of 5.4 million patches of two bytes
 * a few thousand differ. For a pass from beginning to end: which patches are encoded together depends on what came before, and with it the last bit.
 */
export class DistinctPatchEncoder {
  readonly #encoder: CorpusEncoder;
  readonly #patchSize: number;
  readonly #known = new Map<string, Latents>();
  #numEncoded = 0;

  constructor(encoder: CorpusEncoder, patchSize: number) {
    this.#encoder = encoder;
    this.#patchSize = patchSize;
  }

  /** How many patches the encoder has seen. */
  get numEncoded(): number {
    return this.#numEncoded;
  }

  /** Knows no patch any more: what comes next depends on nothing before. */
  forget(): void {
    this.#known.clear();
  }

  /** @param ids [patches·K] */
  async encode(ids: Int32Array): Promise<Latents> {
    const keys = Array.from({ length: ids.length / this.#patchSize }, (_, i) => keyOf(ids, i * this.#patchSize, this.#patchSize));
    const places = new Map<string, number>();
    for (const [i, key] of keys.entries()) if (!this.#known.has(key) && !places.has(key)) places.set(key, i * this.#patchSize);
    const fresh = await this.#encodeFresh(ids, places);
    const found = keys.map((key) => (fresh.get(key) ?? this.#known.get(key)) as Latents);
    for (const [key, latent] of fresh) if (this.#known.size < REMEMBERED) this.#known.set(key, latent);
    const size = found[0].mean.length;
    const [mean, logStd] = [new Float32Array(found.length * size), new Float32Array(found.length * size)];
    found.forEach((latent, i) => {
      mean.set(latent.mean, i * size);
      logStd.set(latent.logStd, i * size);
    });
    return { mean, logStd };
  }

  async #encodeFresh(ids: Int32Array, places: ReadonlyMap<string, number>): Promise<Map<string, Latents>> {
    if (places.size === 0) return new Map();
    const rounded = Math.max(FEWEST, 2 ** Math.ceil(Math.log2(places.size)));
    const batch = new Int32Array(rounded * this.#patchSize);
    [...places.values()].forEach((place, i) => {
      batch.set(ids.subarray(place, place + this.#patchSize), i * this.#patchSize);
    });
    const { mean, logStd } = await this.#encoder.encode(batch);
    const size = mean.length / rounded;
    this.#numEncoded += places.size;
    return new Map([...places.keys()].map((key, i) => [key, { mean: mean.slice(i * size, (i + 1) * size), logStd: logStd.slice(i * size, (i + 1) * size) }]));
  }
}

/** A patch's ids as text. */
function keyOf(ids: Int32Array, begin: number, length: number): string {
  let key = '';
  for (let i = begin; i < begin + length; i++) key += String.fromCharCode(ids[i] & 0xffff, ids[i] >>> 16);
  return key;
}
