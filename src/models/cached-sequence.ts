/**
 * Sequences fed piece by piece with a key/value cache, as compiled steps; and paths that branch off them, all in one pass.
 * B rows · P new positions (patches or tokens) · K tokens a position · C places of a cache · S positions a branch.
 */

import { type CompiledStep, disposeTree, type Engine, floatTensor, intTensor, type Tensor, type TensorTree, tf } from '../engine/index.ts';
import { type Branches, extendCache, type KeyValueCache, type LlamaOutput, type Past, padCache } from './llama.ts';

/** Positions are fed in pieces of at most this many, so that a long prompt's attention stays small. */
const POSITIONS_A_PIECE = 512;
/** Capacities of padded caches, and counts of branches, are multiples of this. */
const STEP = 32;
/** Branches of one pass: its mask grows with their square where all leave one row. */
const MOST_BRANCHES = 1024;
/** What a hidden place adds to a score. */
const HIDDEN = -1e9;

/** A path that leaves a cached sequence: after the first `length` positions of a row come these ids, S·K of them, S ≥ 1 the same for all branches. */
export interface Branch {
  readonly row: number;
  readonly length: number;
  readonly ids: Int32Array;
}

type Inputs<Weights extends TensorTree> = { readonly weights: Weights; readonly ids: Tensor; readonly past?: Past | Branches };
type Outputs = { readonly hidden: Tensor; readonly fresh: KeyValueCache };

/** A Transformer with its embedding: token ids [rows, positions·K] to hidden states and fresh keys and values. */
export type Forward<Weights extends TensorTree> = (weights: Weights, ids: Tensor, past?: Past | Branches) => LlamaOutput;

/** Runs a Transformer over sequences that grow. Tensors that it returns belong to the caller. */
export class CachedSequence<Weights extends TensorTree> {
  readonly #engine: Engine;
  #weights: Weights;
  readonly #tokensPerPosition: number;
  readonly #run: CompiledStep<Inputs<Weights>, Outputs>;

  /** @param isTraining weights that will be others soon (see `use`) are not built into graphs */
  constructor(engine: Engine, weights: Weights, tokensPerPosition: number, forward: Forward<Weights>, isTraining = false) {
    this.#engine = engine;
    this.#weights = weights;
    this.#tokensPerPosition = tokensPerPosition;
    const step = ({ weights: given, ids, past }: Inputs<Weights>): Outputs => {
      const { hidden, fresh } = forward(given, ids, past);
      return { hidden, fresh };
    };
    this.#run = engine.compile(step, { constants: isTraining ? [] : ['weights'] });
  }

  /** Goes on with other weights. */
  use(weights: Weights): void {
    this.#weights = weights;
  }

  /**
   * Feeds positions after the first `length` of `cache`; all of it counts where `length` is absent.
   * @param ids [rows, positions·K], int32
   * @returns the hidden state at every new position, [rows, positions, hidden], and the grown cache
   */
  async feed(ids: Tensor, cache: KeyValueCache = {}, length = cache.k0?.shape[2] ?? 0): Promise<{ hidden: Tensor; cache: KeyValueCache }> {
    const [rows, width] = ids.shape as [number, number];
    const piece = POSITIONS_A_PIECE * this.#tokensPerPosition;
    if (width <= piece) {
      const { hidden, fresh } = await this.#look(ids, cache, length);
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

  /** The hidden state after what is new; the cache is left as it is. */
  async #look(ids: Tensor, cache: KeyValueCache, length: number): Promise<Outputs> {
    const padded = this.roundCapacity(cache);
    const lengthTensor = floatTensor(Float32Array.of(length), []);
    const past = length === 0 ? undefined : { cache: padded, length: lengthTensor };
    const outputs = await this.#run({ weights: this.#weights, ids, ...(past ? { past } : {}) });
    lengthTensor.dispose();
    if (padded !== cache) disposeTree(padded);
    return outputs;
  }

  /**
   * Hidden states at the ends of branches, all in one pass: each sees the positions that it left, and its own. The cache is left as it is.
   * @param cache of the sequences; see roundCapacity
   * @returns [branches, hidden], in the order that they are given in
   */
  async branch(cache: KeyValueCache, branches: readonly Branch[]): Promise<Tensor> {
    if (branches.length > MOST_BRANCHES) {
      const [first, rest] = [await this.branch(cache, branches.slice(0, MOST_BRANCHES)), await this.branch(cache, branches.slice(MOST_BRANCHES))];
      const all = tf.concat([first, rest], 0);
      disposeTree({ first, rest });
      return all;
    }
    const layout = this.#layOut(cache, branches);
    const { hidden, fresh } = await this.#run({ weights: this.#weights, ids: layout.ids, past: layout.past });
    const [rows, positions, size] = hidden.shape as [number, number, number];
    const ends = tf.tidy(() => tf.gather(tf.reshape(hidden, [rows * positions, size]), layout.ends));
    disposeTree({ hidden, fresh, ids: layout.ids, places: layout.past.places, mask: layout.past.mask });
    return ends;
  }

  /** Branches beside one another in each row, rows filled up to the same length. */
  #layOut(cache: KeyValueCache, branches: readonly Branch[]) {
    const [rows, , capacity] = cache.k0.shape as [number, number, number];
    const steps = branches[0].ids.length / this.#tokensPerPosition;
    const filled = new Array<number>(rows).fill(0);
    const places = branches.map(({ row }) => filled[row]++);
    const fullest = Math.max(...filled);
    const perRow = steps * (this.#engine.isCompiling ? Math.ceil(fullest / STEP) * STEP : fullest);
    const ids = new Int32Array(rows * perRow * this.#tokensPerPosition);
    const at = new Float32Array(rows * perRow);
    const mask = new Float32Array(rows * perRow * (capacity + perRow)).fill(HIDDEN);
    branches.forEach(({ row, length, ids: own }, i) => {
      const first = places[i] * steps;
      ids.set(own, (row * perRow + first) * this.#tokensPerPosition);
      for (let s = 0; s < steps; s++) {
        const position = row * perRow + first + s;
        const begin = position * (capacity + perRow);
        at[position] = length + s;
        mask.fill(0, begin, begin + length);
        mask.fill(0, begin + capacity + first, begin + capacity + first + s + 1);
      }
    });
    return {
      ids: intTensor(ids, [rows, perRow * this.#tokensPerPosition]),
      past: { cache, places: floatTensor(at, [rows, perRow]), mask: floatTensor(mask, [rows, 1, perRow, capacity + perRow]) },
      ends: branches.map(({ row }, i) => row * perRow + (places[i] + 1) * steps - 1),
    };
  }

  /**
   * The cache as this engine likes it. One that compiles has a graph for each shape, and capacities in steps keep them few; for others, and where
   * the capacity fits, it is the cache itself. Whoever branches off one cache many times rounds it once.
   */
  roundCapacity(cache: KeyValueCache): KeyValueCache {
    const capacity = cache.k0?.shape[2] ?? 0;
    const wanted = this.#engine.isCompiling ? Math.ceil(capacity / STEP) * STEP : capacity;
    return wanted === capacity ? cache : padCache(cache, wanted);
  }
}
