/**
 * Sequences of different lengths that grow patch by patch, their caches side by side, so that many are fed by
 * one graph. Sequences of one capacity go together: what is computed of one is then, number for number, what
 * would be computed of it alone.
 * B rows · K tokens a patch · H hidden · C places of a cache.
 */

import { elementAt } from '../elements.ts';
import { disposeTree, intTensor, type Tensor, tensorOf, tf } from '../engine/index.ts';
import { type SequenceState, withRoom } from './cached-sequence.ts';
import { capacityOf, type KeyValueCache } from './llama.ts';
import type { PatchSequence } from './patch-model.ts';

/** Rows that are fed at once, where each number of rows has a graph of its own; more go in several parts. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] as const;

/** The rows that a graph is run with, for so many that are wanted. */
export function roundedRows(rows: number, isCompiling: boolean): number {
  return isCompiling ? (SIZES.find((size) => size >= rows) ?? rows) : rows;
}

/** The most rows that are fed at once. */
export const MOST_ROWS = elementAt(SIZES, SIZES.length - 1);

/** Caches of one capacity in one tensor a name, [B, …]; a place without a row is free. */
interface Stack {
  readonly rows: (SequenceRow | undefined)[];
  cache: KeyValueCache;
}

/** A sequence that lies in a stack. Whoever adds one removes it. */
export interface SequenceRow {
  stack: Stack;
  place: number;
  /** Patches so far. */
  length: number;
}

/** What is fed to a row next. */
export interface NextPatch {
  readonly row: SequenceRow;
  /** [K] */
  readonly ids: Int32Array;
}

export class SideBySide {
  readonly #sequence: PatchSequence;
  readonly #isCompiling: boolean;

  constructor(sequence: PatchSequence, isCompiling: boolean) {
    this.#sequence = sequence;
    this.#isCompiling = isCompiling;
  }

  /** Takes a sequence of one row, its cache too. */
  add({ cache, length }: SequenceState): SequenceRow {
    const stack: Stack = { rows: [], cache };
    const row = { stack, place: 0, length };
    stack.rows.push(row);
    return row;
  }

  remove(row: SequenceRow): void {
    row.stack.rows[row.place] = undefined;
    if (!row.stack.rows.some(Boolean)) disposeTree(row.stack.cache);
  }

  /**
   * Feeds one patch to each of these rows, each of them once.
   * @returns hidden states in their order, each [1, 1, hidden]
   */
  async feed(patches: readonly NextPatch[]): Promise<Tensor[]> {
    for (const { row } of patches) this.#makeRoom(row);
    const hidden = new Map<NextPatch, Tensor>();
    for (const part of partsOf(patches)) {
      const found = part.length === 1 ? await this.#feedOne(elementAt(part, 0)) : await this.#feedMany(part);
      part.forEach((patch, i) => {
        hidden.set(patch, elementAt(found, i));
      });
    }
    return patches.map((patch) => hidden.get(patch) as Tensor);
  }

  /** A sequence alone is fed as it always is. */
  async #feedOne({ row, ids }: NextPatch): Promise<Tensor[]> {
    if (row.stack.rows.length > 1) this.#move([row], 1);
    const before = row.stack.cache;
    const idTensor = intTensor(ids, [1, ids.length]);
    const { hidden, state } = await this.#sequence.feed(idTensor, { cache: before, length: row.length });
    disposeTree({ before, idTensor });
    row.stack.cache = state.cache;
    row.length = state.length;
    return [hidden];
  }

  async #feedMany(patches: readonly NextPatch[]): Promise<Tensor[]> {
    const rows = patches.map(({ row }) => row);
    const stack = this.#together(rows);
    const [size, width] = [stack.rows.length, elementAt(patches, 0).ids.length];
    const ids = new Int32Array(size * width);
    const lengths = new Array<number | undefined>(size).fill(undefined);
    for (const { row, ids: own } of patches) {
      ids.set(own, row.place * width);
      lengths[row.place] = row.length;
    }
    const idTensor = intTensor(ids, [size, width]);
    const before = stack.cache;
    const { hidden, cache } = await this.#sequence.feedRows(before, idTensor, lengths);
    disposeTree({ before, idTensor });
    stack.cache = cache;
    for (const row of rows) row.length++;
    const found = rows.map(({ place }) => tf.slice(hidden, [place, 0, 0], [1, 1, hidden.shape[2] as number]));
    hidden.dispose();
    return found;
  }

  /** A stack that holds all of these rows, and not many others. */
  #together(rows: readonly SequenceRow[]): Stack {
    const { stack } = elementAt(rows, 0);
    const size = roundedRows(rows.length, this.#isCompiling);
    const fits = stack.rows.length === size || 2 * rows.length > stack.rows.length;
    return fits && rows.every((row) => row.stack === stack) ? stack : this.#move(rows, size);
  }

  /** A row whose cache is full gets a larger one, and so a stack of its own. */
  #makeRoom(row: SequenceRow): void {
    if (row.length < capacityOf(row.stack.cache)) return;
    if (row.stack.rows.length > 1) this.#move([row], 1);
    const { cache } = row.stack;
    row.stack.cache = withRoom({ cache, length: row.length });
    disposeTree(cache);
  }

  /** Moves rows into a stack of their own. */
  #move(rows: readonly SequenceRow[], size: number): Stack {
    const { cache: example } = elementAt(rows, 0).stack;
    const cache: KeyValueCache = {};
    for (const [name, { shape }] of Object.entries(example))
      cache[name] = tf.tidy(() => {
        const parts = rows.map(({ stack, place }) => {
          const [, ...rest] = shape as number[];
          return tf.slice(tensorOf(stack.cache, name), [place, 0, 0, 0], [1, ...rest]);
        });
        const free = size - rows.length;
        return tf.concat(free > 0 ? [...parts, tf.zeros([free, ...shape.slice(1)])] : parts, 0);
      });
    const stack: Stack = { rows: new Array<SequenceRow | undefined>(size).fill(undefined), cache };
    for (const [place, row] of rows.entries()) {
      this.remove(row);
      row.stack = stack;
      row.place = place;
      stack.rows[place] = row;
    }
    return stack;
  }
}

/** Patches whose rows can be fed at once: those with caches of one capacity, and not too many of them. */
function partsOf(patches: readonly NextPatch[]): NextPatch[][] {
  const byCapacity = new Map<number, NextPatch[]>();
  for (const patch of patches) {
    const capacity = capacityOf(patch.row.stack.cache);
    byCapacity.set(capacity, [...(byCapacity.get(capacity) ?? []), patch]);
  }
  return [...byCapacity.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / MOST_ROWS) }, (_, i) =>
      all.slice(i * MOST_ROWS, (i + 1) * MOST_ROWS),
    ),
  );
}
