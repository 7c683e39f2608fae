/** The frozen encoder over many patches, by tables. N patches · K tokens a patch · L latent. */

import type { Latents } from '../../artifacts/index.ts';
import {
  type CompiledStep,
  disposeTree,
  type Engine,
  intTensor,
  readFloats,
  type Tensor,
  type TensorMap,
} from '../../engine/index.ts';
import type { Autoencoder } from '../of-weights.ts';
import type { PatchGaussians } from './autoencoder.ts';
import { encodeByTables, encoderTables } from './encoder-tables.ts';

type Inputs = { readonly parameters: TensorMap; readonly tables: Tensor; readonly ids: Tensor };

/** Makes the encoder's tables once and encodes with them. Free it when done. */
export class CorpusEncoder {
  readonly #parameters: TensorMap;
  readonly #tables: Tensor;
  readonly #run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>;

  private constructor(
    parameters: TensorMap,
    tables: Tensor,
    run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>,
  ) {
    this.#parameters = parameters;
    this.#tables = tables;
    this.#run = run;
  }

  static async create(engine: Engine, { config, parameters }: Autoencoder): Promise<CorpusEncoder> {
    const makeTables = engine.compile((given: TensorMap) => ({ tables: encoderTables(given, config) }));
    const { tables } = await makeTables(parameters);
    const run = engine.compile(
      (given: Inputs) => {
        const { mean, logStd }: PatchGaussians = encodeByTables(
          given.parameters,
          config,
          given.tables,
          given.ids,
        );
        return { mean, logStd };
      },
      { constants: ['parameters'] },
    );
    return new CorpusEncoder(parameters, tables, run);
  }

  /** @param ids [patches·K] */
  async encode(ids: Int32Array): Promise<Latents> {
    const idTensor = intTensor(ids);
    const { mean, logStd } = await this.#run({
      parameters: this.#parameters,
      tables: this.#tables,
      ids: idTensor,
    });
    const latents = { mean: await readFloats(mean), logStd: await readFloats(logStd) };
    disposeTree({ mean, logStd, idTensor });
    return latents;
  }

  dispose(): void {
    this.#tables.dispose();
  }
}

/** Distinct patches that are remembered; they take 67 MB at 128 numbers a latent. */
const REMEMBERED = 2 ** 16;
/**
 * Fewest patches that are encoded at once; counts are rounded up to powers of two, because each has a graph
 * of its own.
 */
const FEWEST = 64;

/**
 * Encodes a corpus, each distinct patch once: an encoder that sees a patch alone gives the same patch the
 * same Gaussian. Of 5.4 million patches of two bytes
 * a few thousand differ. For a pass from beginning to end: which patches are encoded together depends on what
 * came before, and with it the last bit.
 */
export class DistinctPatchEncoder {
  readonly #encoder: CorpusEncoder;
  readonly #patchSize: number;
  /** Patch → its row in `#memory`. */
  readonly #known = new Map<string, number>();
  #memory: Latents | undefined;
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
    const keys = Array.from({ length: ids.length / this.#patchSize }, (_, i) =>
      keyOf(ids, i * this.#patchSize, this.#patchSize),
    );
    /** Patch → its row in what is encoded now. */
    const rows = new Map<string, number>();
    const places: number[] = [];
    for (const [i, key] of keys.entries()) {
      if (this.#known.has(key) || rows.has(key)) continue;
      rows.set(key, places.length);
      places.push(i * this.#patchSize);
    }
    const fresh = places.length > 0 ? await this.#encodeAt(ids, places) : undefined;
    const size =
      ((fresh ?? this.#memory) as Latents).mean.length / (fresh ? roundedUp(places.length) : REMEMBERED);
    const found: Latents = {
      mean: new Float32Array(keys.length * size),
      logStd: new Float32Array(keys.length * size),
    };
    for (const [i, key] of keys.entries()) {
      const row = rows.get(key);
      if (row === undefined) copyRow(this.#memory as Latents, this.#known.get(key) as number, found, i, size);
      else copyRow(fresh as Latents, row, found, i, size);
    }
    if (fresh) this.#remember(rows, fresh, size);
    return found;
  }

  async #encodeAt(ids: Int32Array, places: readonly number[]): Promise<Latents> {
    const batch = new Int32Array(roundedUp(places.length) * this.#patchSize);
    for (const [i, place] of places.entries())
      batch.set(ids.subarray(place, place + this.#patchSize), i * this.#patchSize);
    this.#numEncoded += places.length;
    return this.#encoder.encode(batch);
  }

  #remember(rows: ReadonlyMap<string, number>, fresh: Latents, size: number): void {
    this.#memory ??= {
      mean: new Float32Array(REMEMBERED * size),
      logStd: new Float32Array(REMEMBERED * size),
    };
    for (const [key, row] of rows) {
      if (this.#known.size === REMEMBERED) return;
      copyRow(fresh, row, this.#memory, this.#known.size, size);
      this.#known.set(key, this.#known.size);
    }
  }
}

function roundedUp(count: number): number {
  return Math.max(FEWEST, 2 ** Math.ceil(Math.log2(count)));
}

function copyRow(from: Latents, row: number, to: Latents, at: number, size: number): void {
  to.mean.set(from.mean.subarray(row * size, (row + 1) * size), at * size);
  to.logStd.set(from.logStd.subarray(row * size, (row + 1) * size), at * size);
}

/** A patch's ids as text. */
function keyOf(ids: Int32Array, begin: number, length: number): string {
  let key = '';
  for (let i = begin; i < begin + length; i++) {
    const id = ids[i] as number;
    key += String.fromCharCode(id & 0xffff, id >>> 16);
  }
  return key;
}
