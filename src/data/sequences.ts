/**
 * What the language model trains on: sequences of P patches. Packed, they are cut from the concatenated
 * documents without regard to their boundaries, and the remainder is dropped, as in the reference; otherwise
 * each is a document, filled up with padding.
 */

import type { LatentShards, Latents, Split, TokenStream } from '../artifacts/index.ts';
import { elementAt } from '../elements.ts';
import { pairsNotAligned } from '../errors.ts';
import { type DocumentPlace, DocumentPlaces } from './documents.ts';

const LENGTHS_AT_ONCE = 2 ** 16;

export interface Sequences {
  readonly numSequences: number;
  readonly patchesPerSequence: number;
  readonly patchSize: number;
  /** The token ids of one sequence, [P·K]. */
  read(sequence: number): Int32Array;
  /**
   * Which patches of a sequence a model is to learn, 1 or 0, [P]; all of them where it is undefined. A patch
   * counts by its first token, as in the reference, and is of one kind.
   */
  learnt(sequence: number): Uint8Array | undefined;
  /** For each of these sequences the document that its first token belongs to. */
  documentsOf(sequences: readonly number[]): number[];
  /**
   * The Gaussians of a sequence's patches, from latent shards of the same split: [P, latent]. Undefined where
   * the shards have other patches.
   */
  readLatents(latents: LatentShards, split: Split, sequence: number): Latents | undefined;
}

interface Sizes {
  readonly patchSize: number;
  readonly patchesPerSequence: number;
}

/** Refuses prompts and documents that end inside a patch. */
function checkAligned({ alignedTo }: TokenStream, patchSize: number): void {
  if (alignedTo !== undefined && alignedTo % patchSize !== 0) throw pairsNotAligned(alignedTo, patchSize);
}

/** Marks the patches of a sequence whose first token is of a document's completion. @param first its first token */
function mark(
  learnt: Uint8Array,
  { start, length, promptLength }: DocumentPlace,
  first: number,
  patchSize: number,
) {
  const begin = Math.ceil((start + promptLength - first) / patchSize);
  const end = Math.ceil((start + length - first) / patchSize);
  learnt.fill(1, Math.max(0, begin), Math.max(0, end));
}

export class PatchSequences implements Sequences {
  readonly numSequences: number;
  readonly patchesPerSequence: number;
  readonly patchSize: number;
  readonly #stream: TokenStream;
  #places: DocumentPlaces | undefined;

  constructor(stream: TokenStream, patchSize: number, patchesPerSequence: number) {
    this.#stream = stream;
    this.patchSize = patchSize;
    this.patchesPerSequence = patchesPerSequence;
    this.numSequences = Math.floor(stream.length / (patchSize * patchesPerSequence));
  }

  read(sequence: number): Int32Array {
    const width = this.patchSize * this.patchesPerSequence;
    return this.#stream.read(sequence * width, width);
  }

  learnt(sequence: number): Uint8Array | undefined {
    if (this.#stream.alignedTo === undefined) return undefined;
    checkAligned(this.#stream, this.patchSize);
    this.#places ??= new DocumentPlaces(this.#stream);
    const learnt = new Uint8Array(this.patchesPerSequence);
    const width = this.patchSize * this.patchesPerSequence;
    for (const place of this.#places.within(sequence * width, width))
      mark(learnt, place, sequence * width, this.patchSize);
    return learnt;
  }

  documentsOf(sequences: readonly number[]): number[] {
    const firsts = sequences
      .map((sequence, i) => ({ i, token: sequence * this.patchSize * this.patchesPerSequence }))
      .sort((a, b) => a.token - b.token);
    const found = new Array<number>(sequences.length);
    let [end, next] = [0, 0];
    for (
      let document = 0;
      document < this.#stream.numDocuments && next < firsts.length;
      document += LENGTHS_AT_ONCE
    ) {
      const lengths = this.#stream.documentLengths(
        document,
        Math.min(LENGTHS_AT_ONCE, this.#stream.numDocuments - document),
      );
      for (const [i, length] of lengths.entries()) {
        end += length;
        for (; next < firsts.length; next++) {
          const first = elementAt(firsts, next);
          if (first.token >= end) break;
          found[first.i] = document + i;
        }
      }
    }
    if (next < firsts.length) throw this.#stream.wrongLengths();
    return found;
  }

  readLatents(latents: LatentShards, split: Split, sequence: number): Latents {
    return latents.read(split, sequence * this.patchesPerSequence, this.patchesPerSequence);
  }
}

/** Sequences of one document each; what of a document is longer than a sequence is left out. */
export class DocumentSequences implements Sequences {
  readonly numSequences: number;
  readonly patchesPerSequence: number;
  readonly patchSize: number;
  /** Documents that are longer than a sequence. */
  readonly numCut: number;
  readonly #stream: TokenStream;
  readonly #places: DocumentPlaces;
  readonly #padId: number;

  constructor(stream: TokenStream, { patchSize, patchesPerSequence }: Sizes, padId: number) {
    checkAligned(stream, patchSize);
    this.#stream = stream;
    this.patchSize = patchSize;
    this.patchesPerSequence = patchesPerSequence;
    this.#padId = padId;
    this.#places = new DocumentPlaces(stream);
    this.numSequences = stream.numDocuments;
    let numCut = 0;
    for (let first = 0; first < this.numSequences; first += LENGTHS_AT_ONCE)
      for (const length of stream.documentLengths(
        first,
        Math.min(LENGTHS_AT_ONCE, this.numSequences - first),
      ))
        if (length > this.#width) numCut++;
    this.numCut = numCut;
  }

  get #width(): number {
    return this.patchSize * this.patchesPerSequence;
  }

  read(sequence: number): Int32Array {
    const { start, length } = this.#places.place(sequence);
    const ids = new Int32Array(this.#width).fill(this.#padId);
    ids.set(this.#stream.read(start, Math.min(length, this.#width)));
    return ids;
  }

  /** Of a document without a prompt, all that it has. */
  learnt(sequence: number): Uint8Array {
    const place = this.#places.place(sequence);
    const learnt = new Uint8Array(this.patchesPerSequence);
    mark(learnt, place, place.start, this.patchSize);
    return learnt;
  }

  documentsOf(sequences: readonly number[]): number[] {
    return [...sequences];
  }

  readLatents(latents: LatentShards, split: Split, sequence: number): Latents | undefined {
    if (this.#stream.alignedTo === undefined) return undefined;
    const { start, length } = this.#places.place(sequence);
    const { latentSize } = latents.index;
    const count = Math.min(length / this.patchSize, this.patchesPerSequence);
    const found = latents.read(split, start / this.patchSize, count);
    const filled = (numbers: Float32Array) => {
      const all = new Float32Array(this.patchesPerSequence * latentSize);
      all.set(numbers);
      return all;
    };
    return { mean: filled(found.mean), logStd: filled(found.logStd) };
  }
}

/**
 * The sequences of a split.
 * @param isPacked whether they are cut from the concatenated documents
 * @param padId fills up those that are not
 */
export function sequencesOf(stream: TokenStream, sizes: Sizes, isPacked: boolean, padId: number): Sequences {
  return isPacked
    ? new PatchSequences(stream, sizes.patchSize, sizes.patchesPerSequence)
    : new DocumentSequences(stream, sizes, padId);
}
