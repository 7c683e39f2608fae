/**
 * What the language model trains on: sequences of P patches, cut from the concatenated documents without regard to their boundaries; the remainder is
 * dropped, as in the reference.
 */

import type { LatentShards, Latents, Split, TokenStream } from '../artifacts/index.ts';

export class PatchSequences {
  readonly numSequences: number;
  readonly patchesPerSequence: number;
  readonly patchSize: number;
  readonly #stream: TokenStream;

  constructor(stream: TokenStream, patchSize: number, patchesPerSequence: number) {
    this.#stream = stream;
    this.patchSize = patchSize;
    this.patchesPerSequence = patchesPerSequence;
    this.numSequences = Math.floor(stream.length / (patchSize * patchesPerSequence));
  }

  /** The token ids of one sequence, [P·K]. */
  read(sequence: number): Int32Array {
    const width = this.patchSize * this.patchesPerSequence;
    return this.#stream.read(sequence * width, width);
  }

  /** For each of these sequences the document that its first token belongs to. */
  documentsOf(sequences: readonly number[]): number[] {
    const ends: number[] = [];
    let end = 0;
    for (const length of this.#stream.documentLengths()) ends.push((end += length));
    return sequences.map((sequence) => ends.findIndex((place) => place > sequence * this.patchSize * this.patchesPerSequence));
  }

  /** The Gaussians of a sequence's patches, from latent shards of the same split: [P, latent]. */
  readLatents(latents: LatentShards, split: Split, sequence: number): Latents {
    return latents.read(split, sequence * this.patchesPerSequence, this.patchesPerSequence);
  }
}
