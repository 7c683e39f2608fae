/**
 * What the autoencoder trains on: patches of K tokens that never straddle documents. Each document (its end-of-text token included) is padded to
 * a multiple of K, and the padding counts in the loss, as in the reference.
 */

import type { TokenStream } from '../artifacts/index.ts';
import { permutedIndex, streamKey } from '../random.ts';

export class DocumentPatches {
  readonly numPatches: number;
  readonly patchSize: number;
  readonly #stream: TokenStream;
  readonly #padId: number;
  readonly #lengths: Uint32Array;
  /** For each document, its first patch and its first token; one entry more than documents. */
  readonly #firstPatch: Float64Array;
  readonly #firstToken: Float64Array;

  constructor(stream: TokenStream, patchSize: number, padId: number) {
    this.#stream = stream;
    this.patchSize = patchSize;
    this.#padId = padId;
    this.#lengths = stream.documentLengths();
    this.#firstPatch = new Float64Array(this.#lengths.length + 1);
    this.#firstToken = new Float64Array(this.#lengths.length + 1);
    this.#lengths.forEach((length, document) => {
      this.#firstPatch[document + 1] = this.#firstPatch[document] + Math.ceil(length / patchSize);
      this.#firstToken[document + 1] = this.#firstToken[document] + length;
    });
    this.numPatches = this.#firstPatch[this.#lengths.length];
  }

  /** The K token ids of one patch. */
  read(patch: number): Int32Array {
    const document = this.#documentOf(patch);
    const offset = (patch - this.#firstPatch[document]) * this.patchSize;
    const count = Math.min(this.patchSize, this.#lengths[document] - offset);
    const ids = this.#stream.read(this.#firstToken[document] + offset, count);
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

  /** The last document that begins at or before a patch, by bisection. */
  #documentOf(patch: number): number {
    let [low, high] = [0, this.#lengths.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#firstPatch[middle] <= patch) low = middle;
      else high = middle;
    }
    return low;
  }
}

/**
 * Which items a batch takes: every epoch is a new permutation of all items, and batch n takes the next `size` of them. A function of (seed, n) alone.
 * @param label keeps the orders of different stages apart
 */
export function shuffledBatch(numItems: number, size: number, batch: number, seed: number, label: string): number[] {
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
