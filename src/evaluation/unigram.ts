/** The unigram sampler: draws every token from the corpus's token frequencies. Any model should beat it. */

import { type BrierScore, type BrierSums, brierLM, meansOf, NUM_FACTORS } from './brier-score.ts';

/** Token counts, [vocabulary]. */
export class UnigramCounts {
  readonly #counts: Float64Array;
  #total = 0;

  constructor(vocabSize: number) {
    this.#counts = new Float64Array(vocabSize);
  }

  add(ids: ArrayLike<number>): void {
    for (let i = 0; i < ids.length; i++) (this.#counts[ids[i] as number] as number)++;
    this.#total += ids.length;
  }

  /**
   * Brier-n of the sampler, exactly and without drawing: 2 Π p(y_i) − (Σ p²)ⁿ, averaged over windows of the
   * next n tokens.
   * @param targets token ids that are scored; each sequence gives its windows at multiples of `stride`
   */
  score(targets: readonly Int32Array[], stride: number): BrierScore & { rows: readonly BrierSums[] } {
    const p = this.#counts.map((count) => count / this.#total);
    const collision = p.reduce((sum, share) => sum + share * share, 0);
    const rows = targets.map((ids) => {
      const sums = new Array<number>(NUM_FACTORS).fill(0);
      let numWindows = 0;
      for (let start = 0; start + NUM_FACTORS <= ids.length; start += stride, numWindows++) {
        let likelihood = 1;
        for (let n = 0; n < NUM_FACTORS; n++) {
          likelihood *= p[ids[start + n] as number] as number;
          sums[n] = (sums[n] as number) + (2 * likelihood - collision ** (n + 1));
        }
      }
      return { sums, numWindows };
    });
    const { brier, numWindows } = meansOf(rows);
    return { brierLM: brierLM(brier), brier, numWindows, rows };
  }
}
