/**
 * Sequences fed piece by piece with a key/value cache, as compiled steps; and paths that branch off them, all
 * in one pass.
 * B rows · P new positions (patches or tokens) · K tokens a position · C places of a cache · S positions a
 * branch.
 */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  type Tensor,
  type TensorTree,
  tensorOf,
  tf,
} from '../engine/index.ts';
import {
  type Branches,
  capacityOf,
  type KeyValueCache,
  type LlamaOutput,
  type Past,
  padCache,
  placesAfter,
  putInto,
} from './llama.ts';

/** More positions are fed in pieces, so that a long prompt's attention stays small. */
const [POSITIONS_AT_ONCE, POSITIONS_A_PIECE] = [512, 256];
/** Capacities of caches, and counts of branches, are multiples of this. */
const STEP = 32;
/** Branches of one pass: its mask grows with their square where all leave one row. */
const MOST_BRANCHES = 1024;
/** What a hidden place adds to a score. */
const HIDDEN = -1e9;

/**
 * Sequences that have been fed: keys and values with room for more, of which the first `length` places count;
 * the others are 0. Whoever is done with it disposes the cache.
 */
export interface SequenceState {
  readonly cache: KeyValueCache;
  readonly length: number;
}

/**
 * A path that leaves a fed sequence: after the first `length` positions of a row come these ids, S·K of them,
 * S ≥ 1 the same for all branches.
 */
export interface Branch {
  readonly row: number;
  readonly length: number;
  readonly ids: Int32Array;
}

type FeedInputs<Weights extends TensorTree> = {
  readonly weights: Weights;
  readonly ids: Tensor;
  readonly past?: Past;
};
type BeginPaddedInputs<Weights extends TensorTree> = FeedInputs<Weights> & { readonly isThere: Tensor };
type FeedManyInputs<Weights extends TensorTree> = FeedInputs<Weights> & { readonly sources: Tensor };
type FeedRowsInputs<Weights extends TensorTree> = BranchInputs<Weights> & { readonly isThere: Tensor };
type FeedOutputs = { readonly hidden: Tensor; readonly cache: KeyValueCache };
type BranchInputs<Weights extends TensorTree> = {
  readonly weights: Weights;
  readonly ids: Tensor;
  readonly past: Branches;
};

/**
 * A Transformer with its embedding: token ids [rows, positions·K] to hidden states and fresh keys and values.
 */
export type Forward<Weights extends TensorTree> = (
  weights: Weights,
  ids: Tensor,
  past?: Past | Branches,
) => LlamaOutput;

/** Runs a Transformer over sequences that grow. Tensors that it returns belong to the caller. */
export class CachedSequence<Weights extends TensorTree> {
  readonly #engine: Engine;
  #weights: Weights;
  readonly #tokensPerPosition: number;
  readonly #begin: CompiledStep<FeedInputs<Weights>, FeedOutputs>;
  readonly #beginPadded: CompiledStep<BeginPaddedInputs<Weights>, FeedOutputs>;
  readonly #pads: boolean;
  readonly #feedMany: CompiledStep<FeedManyInputs<Weights>, FeedOutputs>;
  readonly #feedOne: CompiledStep<FeedInputs<Weights>, FeedOutputs>;
  readonly #hidden: CompiledStep<FeedInputs<Weights>, { readonly hidden: Tensor }>;
  readonly #branch: CompiledStep<BranchInputs<Weights>, { readonly hidden: Tensor }>;
  readonly #feedRows: CompiledStep<FeedRowsInputs<Weights>, FeedOutputs>;

  /** @param isTraining weights that will be others soon (see `use`) are not built into graphs */
  constructor(
    engine: Engine,
    weights: Weights,
    tokensPerPosition: number,
    forward: Forward<Weights>,
    isTraining = false,
  ) {
    this.#engine = engine;
    this.#weights = weights;
    this.#tokensPerPosition = tokensPerPosition;
    this.#pads = engine.isCompiling && !isTraining;
    const options = { constants: isTraining ? [] : (['weights'] as const) };
    this.#begin = engine.compile(({ weights: given, ids }: FeedInputs<Weights>) => {
      const { hidden, fresh } = forward(given, ids);
      return { hidden, cache: padCache(fresh, roomFor(hidden.shape[1] as number)) };
    }, options);
    this.#beginPadded = engine.compile(({ weights: given, ids, isThere }: BeginPaddedInputs<Weights>) => {
      const { hidden, fresh } = forward(given, ids);
      return { hidden, cache: emptied(fresh, isThere) };
    }, options);
    this.#hidden = engine.compile(
      ({ weights: given, ids }: FeedInputs<Weights>) => ({ hidden: forward(given, ids).hidden }),
      options,
    );
    this.#feedMany = engine.compile(({ weights: given, ids, past, sources }: FeedManyInputs<Weights>) => {
      const { hidden, fresh } = forward(given, ids, past);
      return { hidden, cache: putInto((past as Past).cache, fresh, sources) };
    }, options);
    this.#feedOne = engine.compile(({ weights: given, ids, past }: FeedInputs<Weights>) => {
      const { hidden, fresh } = forward(given, ids, past);
      const { cache: before, length } = past as Past;
      return { hidden, cache: putAt(before, isAt(capacityOf(before), length), fresh) };
    }, options);
    this.#feedRows = engine.compile(({ weights: given, ids, past, isThere }: FeedRowsInputs<Weights>) => {
      const { hidden, fresh } = forward(given, ids, past);
      return { hidden, cache: putAt(past.cache, isThere, fresh) };
    }, options);
    this.#branch = engine.compile(
      ({ weights: given, ids, past }: BranchInputs<Weights>) => ({
        hidden: forward(given, ids, past).hidden,
      }),
      options,
    );
  }

  /** Goes on with other weights. */
  use(weights: Weights): void {
    this.#weights = weights;
  }

  /**
   * Feeds positions after those of the past, which is left as it is.
   * @param ids [rows, positions·K], int32
   * @param pause awaited between the pieces of a long one
   * @returns the hidden state at every new position, [rows, positions, hidden], and the longer sequences
   */
  async feed(
    ids: Tensor,
    past?: SequenceState,
    pause?: () => Promise<void>,
  ): Promise<{ hidden: Tensor; state: SequenceState }> {
    const [rows, width] = ids.shape as [number, number];
    if (width <= POSITIONS_AT_ONCE * this.#tokensPerPosition) return this.#feedPiece(ids, past);
    const piece = POSITIONS_A_PIECE * this.#tokensPerPosition;
    const hidden: Tensor[] = [];
    let state = past;
    for (let first = 0; first < width; first += piece) {
      if (first > 0) await pause?.();
      const part = tf.slice(ids, [0, first], [rows, Math.min(piece, width - first)]);
      const fed = await this.#feedPiece(part, state);
      if (state && state !== past) disposeTree(state.cache);
      part.dispose();
      hidden.push(fed.hidden);
      state = fed.state;
    }
    const whole = tf.concat(hidden, 1);
    for (const part of hidden) part.dispose();
    return { hidden: whole, state: state as SequenceState };
  }

  /**
   * The hidden state at every position, [rows, positions, hidden], for sequences that nothing will follow.
   */
  async look(ids: Tensor): Promise<Tensor> {
    return (await this.#hidden({ weights: this.#weights, ids })).hidden;
  }

  async #feedPiece(ids: Tensor, past?: SequenceState): Promise<{ hidden: Tensor; state: SequenceState }> {
    const positions = (ids.shape[1] as number) / this.#tokensPerPosition;
    const length = (past?.length ?? 0) + positions;
    if (!past && ids.shape[0] === 1 && this.#pads) return this.#beginAlone(ids, positions);
    if (!past) {
      const { hidden, cache } = await this.#begin({ weights: this.#weights, ids });
      return { hidden, state: { cache, length } };
    }
    const lengthTensor = floatTensor(Float32Array.of(past.length), []);
    const isFull = length > capacityOf(past.cache);
    const roomy = isFull ? padCache(past.cache, roomFor(length)) : past.cache;
    const inputs = { weights: this.#weights, ids, past: { cache: roomy, length: lengthTensor } };
    const { hidden, cache } =
      positions === 1 ? await this.#feedOne(inputs) : await this.#feedSeveral(inputs, past.length, positions);
    disposeTree({ lengthTensor, ...(isFull ? { roomy } : {}) });
    return { hidden, state: { cache, length } };
  }

  /**
   * The beginning of one sequence, with positions behind it that nothing looks at, so that prompts of a few
   * lengths share a graph.
   */
  async #beginAlone(ids: Tensor, length: number): Promise<{ hidden: Tensor; state: SequenceState }> {
    const padded = paddedLength(length);
    const isThere = floatTensor(new Float32Array(padded).fill(1, 0, length), [1, 1, padded, 1]);
    const behind = [0, (padded - length) * this.#tokensPerPosition] as [number, number];
    const paddedIds = tf.pad(ids, [[0, 0], behind]);
    const fed = await this.#beginPadded({ weights: this.#weights, ids: paddedIds, isThere });
    const cache = padCache(fed.cache, roomFor(length));
    const hidden = tf.slice(fed.hidden, [0, 0, 0], [1, length, fed.hidden.shape[2] as number]);
    disposeTree({ isThere, paddedIds, fed });
    return { hidden, state: { cache, length } };
  }

  /** Several positions at once; the cache has room for them. */
  async #feedSeveral(
    inputs: FeedInputs<Weights> & { readonly past: Past },
    length: number,
    positions: number,
  ): Promise<FeedOutputs> {
    const sources = placesAfter(length, positions, capacityOf(inputs.past.cache));
    const outputs = await this.#feedMany({ ...inputs, sources });
    sources.dispose();
    return outputs;
  }

  /**
   * Feeds one position to each of several sequences of different lengths, whose caches lie side by side.
   * @param cache of one capacity for all rows, with room in each; it is left as it is
   * @param ids [rows, K], int32
   * @param lengths of each row before; undefined of a row that is not fed, whose cache stays as it is
   * @returns hidden states, [rows, 1, hidden], and the cache with the new positions
   */
  async feedRows(
    cache: KeyValueCache,
    ids: Tensor,
    lengths: readonly (number | undefined)[],
  ): Promise<{ hidden: Tensor; cache: KeyValueCache }> {
    const [rows, capacity] = [lengths.length, capacityOf(cache)];
    const mask = new Float32Array(rows * (capacity + 1)).fill(HIDDEN);
    const isThere = new Float32Array(rows * capacity);
    for (const [row, length] of lengths.entries()) {
      const begin = row * (capacity + 1);
      mask.fill(0, begin, begin + (length ?? 0));
      mask[begin + capacity] = 0;
      if (length !== undefined) isThere[row * capacity + length] = 1;
    }
    const inputs = {
      ids,
      past: {
        cache,
        places: floatTensor(
          Float32Array.from(lengths, (length) => length ?? 0),
          [rows, 1],
        ),
        mask: floatTensor(mask, [rows, 1, 1, capacity + 1]),
      },
      isThere: floatTensor(isThere, [rows, 1, capacity, 1]),
    };
    const outputs = await this.#feedRows({ weights: this.#weights, ...inputs });
    disposeTree({ places: inputs.past.places, mask: inputs.past.mask, isThere: inputs.isThere });
    return outputs;
  }

  /**
   * Hidden states at the ends of branches, all in one pass: each sees the positions that it left, and its
   * own.
   * @returns [branches, hidden], in the order that they are given in
   */
  async branch(state: SequenceState, branches: readonly Branch[]): Promise<Tensor> {
    if (branches.length > MOST_BRANCHES) {
      const [first, rest] = [
        await this.branch(state, branches.slice(0, MOST_BRANCHES)),
        await this.branch(state, branches.slice(MOST_BRANCHES)),
      ];
      const all = tf.concat([first, rest], 0);
      disposeTree({ first, rest });
      return all;
    }
    const { ids, past, ends } = this.#layOut(state.cache, branches);
    const { hidden } = await this.#branch({ weights: this.#weights, ids, past });
    const [rows, positions, size] = hidden.shape as [number, number, number];
    const found = tf.tidy(() => tf.gather(tf.reshape(hidden, [rows * positions, size]), ends));
    disposeTree({ hidden, ids, places: past.places, mask: past.mask });
    return found;
  }

  /** Branches side by side in each row, rows filled up to the same length. */
  #layOut(cache: KeyValueCache, branches: readonly Branch[]) {
    const [rows, , capacity] = tensorOf(cache, 'k0').shape as [number, number, number];
    const steps = (branches[0] as Branch).ids.length / this.#tokensPerPosition;
    const filled = new Uint32Array(rows);
    const placed = branches.map((branch) => ({ ...branch, place: (filled[branch.row] as number)++ }));
    const fullest = Math.max(...filled);
    const perRow = steps * (this.#engine.isCompiling ? Math.ceil(fullest / STEP) * STEP : fullest);
    const ids = new Int32Array(rows * perRow * this.#tokensPerPosition);
    const at = new Float32Array(rows * perRow);
    const mask = new Float32Array(rows * perRow * (capacity + perRow)).fill(HIDDEN);
    for (const { row, length, ids: own, place } of placed) {
      const first = place * steps;
      ids.set(own, (row * perRow + first) * this.#tokensPerPosition);
      for (let s = 0; s < steps; s++) {
        const position = row * perRow + first + s;
        const begin = position * (capacity + perRow);
        at[position] = length + s;
        mask.fill(0, begin, begin + length);
        mask.fill(0, begin + capacity + first, begin + capacity + first + s + 1);
      }
    }
    return {
      ids: intTensor(ids, [rows, perRow * this.#tokensPerPosition]),
      past: {
        cache,
        places: floatTensor(at, [rows, perRow]),
        mask: floatTensor(mask, [rows, 1, perRow, capacity + perRow]),
      },
      ends: placed.map(({ row, place }) => row * perRow + (place + 1) * steps - 1),
    };
  }
}

/** A copy of a cache that is full, with room for more positions. */
export function withRoom({ cache, length }: SequenceState): KeyValueCache {
  return padCache(cache, roomFor(length + 1));
}

/** Room for half as much again, in steps, because each capacity has a graph of its own. */
function roomFor(length: number): number {
  return Math.ceil((1.5 * length) / STEP) * STEP;
}

/** A few lengths that beginnings are filled up to; none is beyond `roomFor`. */
function paddedLength(length: number): number {
  return length <= 8 ? 8 : length <= 16 ? 16 : Math.ceil(length / STEP) * STEP;
}

/** 0 where `isThere` is. */
function emptied(cache: KeyValueCache, isThere: Tensor): KeyValueCache {
  return Object.fromEntries(Object.entries(cache).map(([name, tensor]) => [name, tf.mul(tensor, isThere)]));
}

/** 1 at one place of a cache and 0 at the others, [1, 1, capacity, 1]. */
function isAt(capacity: number, place: Tensor): Tensor {
  const places = tf.range(0, capacity, 1, 'float32');
  return tf.reshape(tf.cast(tf.equal(places, place), 'float32'), [1, 1, -1, 1]);
}

/** A cache with one position more, where `isThere` is 1 and the cache 0 so far. */
function putAt(cache: KeyValueCache, isThere: Tensor, fresh: KeyValueCache): KeyValueCache {
  return Object.fromEntries(
    Object.entries(cache).map(([name, tensor]) => [
      name,
      tf.add(tensor, tf.mul(isThere, tensorOf(fresh, name))),
    ]),
  );
}
