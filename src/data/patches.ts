/**
 * What the autoencoder trains on: patches of K tokens that never straddle documents. Each document (its end-of-text token included) is padded to
 * a multiple of K, and the padding counts in the loss, as in the reference.
 */

import type { TokenStream } from '../artifacts/index.ts';
import { permutedIndex, streamKey } from '../random.ts';

/** Documents whose beginnings are not kept in memory but found by adding up lengths from the last one that is. */
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
    const { firstPatch, firstToken, length } = this.#documentOf(patch);
    const offset = (patch - firstPatch) * this.patchSize;
    const count = Math.min(this.patchSize, length - offset);
    const ids = this.#stream.read(firstToken + offset, count);
    if (count === this.patchSize) return ids;
    const padded = new Int32Array(this.patchSize).fill(this.#padId);
    padded.set(ids);
    return padded;
  }

  /** Patches by number, [patches·K]. */
  readMany(patches: readonly number[]): Int32Array {
    const ids = new Int32Array(patches.length * this.patchSize);
    patches.forEach((patch, i) => {
      ids.set(this.read(patch), i * this.patchSize);
    });
    return ids;
  }

  /** Which documents patches are of, counted from 0. */
  documentsOf(patches: readonly number[]): number[] {
    return patches.map((patch) => this.#documentOf(patch).document);
  }

  #lengthsFrom(mark: number): Uint32Array {
    const first = mark * STRIDE;
    return this.#stream.documentLengths(first, Math.min(STRIDE, this.#stream.numDocuments - first));
  }

  /** The document that a patch is of: the last mark at or before it by bisection, then length by length. */
  #documentOf(patch: number): { document: number; firstPatch: number; firstToken: number; length: number } {
    let [low, high] = [0, this.#firstPatch.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#firstPatch[middle] <= patch) low = middle;
      else high = middle;
    }
    let [document, firstPatch, firstToken] = [low * STRIDE, this.#firstPatch[low], this.#firstToken[low]];
    for (const length of this.#lengthsFrom(low)) {
      const numPatches = Math.ceil(length / this.patchSize);
      if (patch < firstPatch + numPatches) return { document, firstPatch, firstToken, length };
      document++;
      firstPatch += numPatches;
      firstToken += length;
    }
    throw new RangeError(`there is no patch ${patch}`);
  }
}

/**
 * Which items a batch takes: every epoch is a new permutation of all items, and batch n takes the next `size` of them. A function of (seed, n) alone.
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
