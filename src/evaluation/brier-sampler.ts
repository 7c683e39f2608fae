/**
 * BrierLM of any model that can continue a text: all it takes is samples, so any model can be placed on the
 * same scale.
 * S samples a window · W windows.
 */

import { elementAt } from '../elements.ts';
import { addWindow, agreement, type BrierSums, NUM_FACTORS } from './brier-score.ts';
import { pairsOf, type SampleGroup, splitGroup } from './sample-groups.ts';

/** Anything that can continue token ids. */
export interface ContinuationSampler {
  /**
   * Draws independent continuations at temperature 1.
   * @param prefix token ids of one document, from its beginning or from the middle
   * @param numSamples how many continuations
   * @param numTokens how many tokens of each are looked at; fewer may be given where the text ends
   */
  sample(
    prefix: Int32Array,
    numSamples: number,
    numTokens: number,
    signal?: AbortSignal,
  ): Promise<readonly Int32Array[]>;
}

/** A true prefix and the four tokens that follow it. */
export interface BrierWindow {
  readonly prefix: Int32Array;
  readonly target: Int32Array;
}

/**
 * Scores one window by the U-statistic (see addWindow). A continuation that ends early agrees with nothing
 * behind its end.
 */
export async function scoreWindow(
  sampler: ContinuationSampler,
  { prefix, target }: BrierWindow,
  numSamples: number,
  signal?: AbortSignal,
): Promise<BrierSums> {
  const samples = await sampler.sample(prefix, numSamples, NUM_FACTORS, signal);
  if (samples.length !== numSamples)
    throw new RangeError(`asked for ${numSamples} samples, got ${samples.length}`);
  const pairs = new Float64Array(NUM_FACTORS);
  const everyone = samples.map((_, i) => i);
  let groups: SampleGroup[] = [{ row: 0, window: 0, members: everyone, path: [] }];
  for (let n = 0; n < NUM_FACTORS; n++) {
    // What has ended is unlike everything: −1, −2, … are no tokens.
    const tokenOf = (member: number) => elementAt(samples, member)[n] ?? -1 - member;
    groups = groups.flatMap((group) => splitGroup(group, tokenOf));
    pairs[n] = groups.reduce((sum, group) => sum + pairsOf(group), 0);
  }
  const sums = new Float64Array(NUM_FACTORS);
  addWindow(
    sums,
    samples.map((sample) => agreement(target, sample)),
    pairs,
  );
  return { sums: [...sums], numWindows: 1 };
}
