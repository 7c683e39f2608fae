/**
 * What the autoencoder trains on: patches of K tokens that never straddle documents. Each document (its
 * end-of-text token included) is padded to
 * a multiple of K, and the padding counts in the loss, as in the reference.
 */

import type { TokenStream } from '../artifacts/index.ts';
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
    const byMark = groupedBy(patches, (patch) => this.#markOf(patch));
    const marks = [...byMark.keys()];
    const ranges = marks.map((mark) => this.#documentsFrom(mark));
    this.#stream.documentLengthsEach(ranges, (i, lengths) => {
      const group = (byMark.get(marks[i]) as number[]).sort((a, b) => patches[a] - patches[b]);
      this.#locateFrom(marks[i], lengths, patches, group, found);
    });
    return found;
  }

  /** @param group numbers of patches that begin behind a mark, in ascending order of the patches */
  #locateFrom(
    mark: number,
    lengths: Uint32Array,
    patches: readonly number[],
    group: readonly number[],
    found: PatchTokens[],
  ): void {
    let [firstPatch, firstToken, next] = [this.#firstPatch[mark], this.#firstToken[mark], 0];
    for (const [i, length] of lengths.entries()) {
      const endPatch = firstPatch + Math.ceil(length / this.patchSize);
      for (; next < group.length && patches[group[next]] < endPatch; next++) {
        const offset = (patches[group[next]] - firstPatch) * this.patchSize;
        const count = Math.min(this.patchSize, length - offset);
        found[group[next]] = { document: mark * STRIDE + i, start: firstToken + offset, count };
      }
      firstPatch = endPatch;
      firstToken += length;
    }
    if (next < group.length) throw new RangeError(`there is no patch ${patches[group[next]]}`);
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
      if (this.#firstPatch[middle] <= patch) low = middle;
      else high = middle;
    }
    return low;
  }
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

/** The numbers of items, by what a function says of them. */
function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
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
