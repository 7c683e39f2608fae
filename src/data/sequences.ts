/**
 * What the language model trains on: sequences of P patches, cut from the concatenated documents without
 * regard to their boundaries; the remainder is
 * dropped, as in the reference.
 */

import type { LatentShards, Latents, Split, TokenStream } from '../artifacts/index.ts';
import { elementAt } from '../elements.ts';

const LENGTHS_AT_ONCE = 2 ** 16;

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

  /** The Gaussians of a sequence's patches, from latent shards of the same split: [P, latent]. */
  readLatents(latents: LatentShards, split: Split, sequence: number): Latents {
    return latents.read(split, sequence * this.patchesPerSequence, this.patchesPerSequence);
  }
}
