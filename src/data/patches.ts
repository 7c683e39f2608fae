/**
 * What the autoencoder trains on: patches of K tokens that never straddle documents. Each document (its
 * end-of-text token included) is padded to
 * a multiple of K, and the padding counts in the loss, as in the reference.
 */

import type { TokenStream } from '../artifacts/index.ts';
import { elementAt } from '../elements.ts';
import { permutedIndex, streamKey } from '../random.ts';

/**
 * Documents whose beginnings are not kept in memory but found by adding up lengths from the last one that is.
 */
const STRIDE = 256;

export class DocumentPatches {
  readonly numPatches: number;
  readonly patchSize: number;
  readonly #stream: TokenStream;
  readonly #padId: number;
  /** Of every STRIDE-th document, its first patch and its first token. */
  readonly #firstPatch: Float64Array;
  readonly #firstToken: Float64Array;

  constructor(stream: TokenStream, patchSize: number, padId: number) {
    this.#stream = stream;
    this.patchSize = patchSize;
    this.#padId = padId;
    const numMarks = Math.ceil(stream.numDocuments / STRIDE);
    [this.#firstPatch, this.#firstToken] = [new Float64Array(numMarks), new Float64Array(numMarks)];
    let [patches, tokens] = [0, 0];
    for (let mark = 0; mark < numMarks; mark++) {
      this.#firstPatch[mark] = patches;
      this.#firstToken[mark] = tokens;
      for (const length of this.#lengthsFrom(mark)) {
        patches += Math.ceil(length / patchSize);
        tokens += length;
      }
    }
    if (tokens !== stream.length) throw stream.wrongLengths();
    this.numPatches = patches;
  }

  /** The K token ids of one patch. */
  read(patch: number): Int32Array {
    return this.readMany([patch]);
  }

  /** Patches by number, [patches·K]; those that lie close together come in one read. */
  readMany(patches: readonly number[]): Int32Array {
    const ids = new Int32Array(patches.length * this.patchSize).fill(this.#padId);
    this.#stream.readEach(this.#locate(patches), (i, found) => ids.set(found, i * this.patchSize));
    return ids;
  }

  /** Which documents patches are of, counted from 0. */
  documentsOf(patches: readonly number[]): number[] {
    return this.#locate(patches).map(({ document }) => document);
  }

  /** The tokens and the documents of patches: from the last mark before them on, length by length. */
  #locate(patches: readonly number[]): PatchTokens[] {
    const found = new Array<PatchTokens>(patches.length);
    const wanted = patches.map((patch, index) => ({ patch, index }));
    const byMark = [...groupedBy(wanted, ({ patch }) => this.#markOf(patch))];
    const ranges = byMark.map(([mark]) => this.#documentsFrom(mark));
    this.#stream.documentLengthsEach(ranges, (i, lengths) => {
      const [mark, group] = elementAt(byMark, i);
      group.sort((a, b) => a.patch - b.patch);
      this.#locateFrom(mark, lengths, group, found);
    });
    return found;
  }

  /** @param group patches that begin behind a mark, in ascending order */
  #locateFrom(mark: number, lengths: Uint32Array, group: readonly WantedPatch[], found: PatchTokens[]): void {
    let [firstPatch, firstToken, next] = [this.#firstPatch[mark] ?? 0, this.#firstToken[mark] ?? 0, 0];
    for (const [i, length] of lengths.entries()) {
      const endPatch = firstPatch + Math.ceil(length / this.patchSize);
      for (; next < group.length; next++) {
        const { patch, index } = group[next] as WantedPatch;
        if (patch >= endPatch) break;
        const offset = (patch - firstPatch) * this.patchSize;
        const count = Math.min(this.patchSize, length - offset);
        found[index] = { document: mark * STRIDE + i, start: firstToken + offset, count };
      }
      firstPatch = endPatch;
      firstToken += length;
    }
    const [beyond] = group.slice(next);
    if (beyond) throw new RangeError(`there is no patch ${beyond.patch}`);
  }

  #documentsFrom(mark: number): { start: number; count: number } {
    const start = mark * STRIDE;
    return { start, count: Math.min(STRIDE, this.#stream.numDocuments - start) };
  }

  #lengthsFrom(mark: number): Uint32Array {
    const { start, count } = this.#documentsFrom(mark);
    return this.#stream.documentLengths(start, count);
  }

  /** The last mark at or before a patch, by bisection. */
  #markOf(patch: number): number {
    let [low, high] = [0, this.#firstPatch.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (elementAt(this.#firstPatch, middle) <= patch) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** A patch by its number, and its place among those that are asked for. */
interface WantedPatch {
  readonly patch: number;
  readonly index: number;
}

/**
 * Where a patch lies: the document that it is of, and its tokens, of which the last patch of a document may
 * have fewer than K.
 */
interface PatchTokens {
  readonly document: number;
  readonly start: number;
  readonly count: number;
}

/** Items, by what a function says of them. */
function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => number): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/**
 * Which items a batch takes: every epoch is a new permutation of all items, and batch n takes the next `size`
 * of them. A function of (seed, n) alone.
 * @param label keeps the orders of different stages apart
 */
export function shuffledBatch(
  numItems: number,
  size: number,
  batch: number,
  seed: number,
  label: string,
): number[] {
  return Array.from({ length: size }, (_, i) => {
    const position = batch * size + i;
    const epoch = Math.floor(position / numItems);
    return permutedIndex(position % numItems, numItems, streamKey(seed, label, 'epoch', epoch));
  });
}

/** `count` items spread evenly over all: a fixed sample for evaluations. */
export function evenlySpread(numItems: number, count: number): number[] {
  const taken = Math.min(numItems, count);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * numItems) / taken));
}
