/**
 * BrierLM of a model whose next-token distribution is known (paper §4, as for a discrete Transformer): less
 * noise than from samples alone. The accuracy term is
 * 2 Π p(true token); the collision term, for each pair of samples, 1{their first n−1 tokens agree} · Σ p² of
 * the n-th, the last factor being exact.
 * B rows · T tokens · S samples · W windows.
 */

import { commonLength, elementAt } from '../elements.ts';
import { disposeTree, type Tensor, tf } from '../engine/index.ts';
import { inverseCdf, type Likelihood, type PatchModel, type SequenceState } from '../models/index.ts';
import { joinRows, type Pause, type Pausing } from './batches.ts';
import { type BrierBatch, batchOf, NUM_FACTORS } from './brier-score.ts';
import { pairsOf, type SampleGroup, splitGroup } from './sample-groups.ts';

/** A model of single tokens with a likelihood. */
export type LikelyModel = PatchModel & { readonly likelihood: Likelihood };

export function hasLikelihood(model: PatchModel): model is LikelyModel {
  return model.likelihood !== undefined;
}

/**
 * The token that sample `sample` takes as its `step`-th in a window of a row; `draw` picks from the exact
 * distribution by a uniform number.
 */
export type TakeToken = (
  at: { readonly row: number; readonly window: number; readonly sample: number; readonly step: number },
  draw: (uniform: number) => number,
) => number;

/**
 * Estimates the four factors. Windows begin at every `stride`-th token after the first one; each is the next
 * four tokens.
 * @param ids sequences of one length; the first token is context only
 * @param contextTokens tokens that are never scored, 1 or more
 * @param pause awaited between pieces of the distributions, and between the steps of the samples
 */
export async function estimateBrierExactly(
  model: LikelyModel,
  ids: readonly Int32Array[],
  take: TakeToken,
  {
    numSamples = 2,
    stride = 1,
    contextTokens = 1,
    pause,
  }: { numSamples?: number; stride?: number; contextTokens?: number } & Pausing = {},
): Promise<BrierBatch> {
  const length = commonLength(ids);
  const windows = Math.max(0, Math.floor((length - contextTokens - NUM_FACTORS) / stride) + 1);
  const idTensor = joinRows(ids.map((row) => row.subarray(0, length - 1)));
  const { hidden, state } = await model.sequence.feed(idTensor);
  try {
    return await scoreExactly(model, ids, take, {
      hidden,
      state,
      windows,
      numSamples,
      stride,
      contextTokens,
      pause,
    });
  } finally {
    disposeTree({ hidden, cache: state.cache, idTensor });
  }
}

interface Fed extends Pausing {
  /** [rows, tokens − 1, hidden] */
  readonly hidden: Tensor;
  readonly state: SequenceState;
  readonly windows: number;
  readonly numSamples: number;
  readonly stride: number;
  readonly contextTokens: number;
}

async function scoreExactly(
  model: LikelyModel,
  ids: readonly Int32Array[],
  take: TakeToken,
  { hidden, state, windows, numSamples, stride, contextTokens, pause }: Fed,
): Promise<BrierBatch> {
  const [rows, length] = [ids.length, commonLength(ids)];
  const sums = Array.from({ length: rows }, () => new Float64Array(NUM_FACTORS));
  const likely = await trueProbabilities(model, hidden, ids, pause);
  const begin = (window: number) => contextTokens - 1 + window * stride;
  for (const [row, own] of sums.entries()) {
    for (let window = 0; window < windows; window++) {
      let product = 2;
      for (let n = 0; n < NUM_FACTORS; n++) {
        product *= likely[row * (length - 1) + begin(window) + n] as number;
        own[n] = (own[n] as number) + product;
      }
    }
  }
  const everyone = Array.from({ length: numSamples }, (_, sample) => sample);
  let groups: SampleGroup[] = Array.from({ length: rows * windows }, (_, i) => ({
    row: Math.floor(i / windows),
    window: i % windows,
    members: everyone,
    path: [],
  }));
  const allPairs = (numSamples * (numSamples - 1)) / 2;
  for (let step = 0; step < NUM_FACTORS && groups.length > 0; step++) {
    await pause?.();
    const states = await hiddenAfter(model, hidden, state, groups, begin);
    const left: SampleGroup[] = [];
    const lookAt = (i: number, probabilities: Float32Array) => {
      const group = elementAt(groups, i);
      const own = elementAt(sums, group.row);
      let squares = 0;
      for (const p of probabilities) squares += p * p;
      own[step] = (own[step] as number) - (pairsOf(group) / allPairs) * squares;
      if (step + 1 === NUM_FACTORS) return;
      const draw = inverseCdf(probabilities);
      left.push(
        ...splitGroup(group, (sample) => take({ row: group.row, window: group.window, sample, step }, draw)),
      );
    };
    await model.likelihood.eachDistribution(states, lookAt, pause).finally(() => states.dispose());
    groups = left;
  }
  return batchOf(sums, windows);
}

/** The probability of the token that really comes next, after every token but the last; row by row. */
async function trueProbabilities(
  model: LikelyModel,
  hidden: Tensor,
  ids: readonly Int32Array[],
  pause: Pause | undefined,
): Promise<Float64Array> {
  const truths = ids.flatMap((row) => [...row.subarray(1)]);
  const found = new Float64Array(truths.length);
  const flat = tf.reshape(hidden, [-1, hidden.shape[2] as number]);
  const lookAt = (i: number, probabilities: Float32Array) => {
    found[i] = elementAt(probabilities, elementAt(truths, i));
  };
  await model.likelihood.eachDistribution(flat, lookAt, pause).finally(() => flat.dispose());
  return found;
}

/**
 * The hidden state after each group's path, [groups, hidden]: of the true prefix, or at the end of a branch.
 */
async function hiddenAfter(
  model: LikelyModel,
  hidden: Tensor,
  state: SequenceState,
  groups: readonly SampleGroup[],
  begin: (window: number) => number,
): Promise<Tensor> {
  if (elementAt(groups, 0).path.length > 0)
    return model.sequence.branch(
      state,
      groups.map(({ row, window, path }) => ({ row, length: begin(window) + 1, ids: Int32Array.from(path) })),
    );
  const [, width, size] = hidden.shape as [number, number, number];
  const places = groups.map(({ row, window }) => row * width + begin(window));
  return tf.tidy(() => tf.gather(tf.reshape(hidden, [-1, size]), places));
}
