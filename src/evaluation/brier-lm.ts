/**
 * BrierLM of a language model (paper §4): from samples, or with exact collisions where the model has a
 * likelihood.
 * B rows · P target patches · K tokens a patch · S samples · W windows.
 */

import { commonLength, elementAt } from '../elements.ts';
import { disposeTree, intTensor, tf } from '../engine/index.ts';
import type { PatchDraws, PatchModel, SequenceState } from '../models/index.ts';
import { joinRows, type Pause, type Pausing } from './batches.ts';
import { estimateBrierExactly, hasLikelihood } from './brier-exact.ts';
import { addWindow, agreement, type BrierBatch, batchOf, NUM_FACTORS } from './brier-score.ts';
import { pairsOf, type SampleGroup, splitGroup } from './sample-groups.ts';

/** One draw of a rollout: the sample of this number, in this window of this row. */
export interface RolloutDraw {
  readonly row: number;
  readonly window: number;
  readonly sample: number;
}

/** Noise, as the model wants it. */
export interface BrierDraws {
  /** For S candidates at each of rows·patches positions. */
  accuracy(size: number): Float32Array;
  /**
   * For one candidate at each of these places, `step` patches after the first of their windows; `size` may
   * cover a few places more.
   */
  rollout(draws: readonly RolloutDraw[], step: number, size: number): Float32Array;
  /** In [0, 1), for the token that a sample takes at a step. A model with a likelihood needs it. */
  uniform?(draw: RolloutDraw, step: number): number;
}

export interface BrierOptions extends Pausing {
  /** S, samples a window. */
  readonly numSamples?: number;
  /**
   * Takes samples although the model has a likelihood: what the score of a CALM would be if it were this
   * model.
   */
  readonly fromSamples?: boolean;
  /**
   * Of samples: what is scored against, each P·K ids; the sequences without their first patch where absent.
   */
  readonly targets?: readonly Int32Array[];
  /** Of a likelihood: windows begin at every `stride`-th token … */
  readonly stride?: number;
  /** … behind so many tokens that are never scored. */
  readonly contextTokens?: number;
}

type Rolling = { readonly draws: BrierDraws } & Pausing;

interface Shape {
  readonly rows: number;
  /** Target patches a row. */
  readonly patches: number;
  readonly patchSize: number;
  readonly numSamples: number;
}

/**
 * Estimates the four factors on sequences: exactly as far as the model's likelihood goes, or from samples.
 */
export async function estimateBrier(
  model: PatchModel,
  ids: readonly Int32Array[],
  draws: BrierDraws,
  options: BrierOptions = {},
): Promise<BrierBatch> {
  if (!hasLikelihood(model) || options.fromSamples) return estimateFromSamples(model, ids, draws, options);
  const uniform = draws.uniform?.bind(draws);
  if (!uniform) throw new TypeError('a model with a likelihood needs draws.uniform');
  return estimateBrierExactly(model, ids, (at, draw) => draw(uniform(at, at.step)), options);
}

/**
 * Estimates from S samples a window. The first patch is context only and never scored.
 *
 * K ≥ 4: each target patch is a window, and agreement is counted on its first four tokens. K < 4: a window is
 * ⌈4/K⌉ patches. Its accuracy terms use the
 * teacher-forced draws; its collision term rolls the samples out for as long as any two of them agree, all
 * windows in one pass. As in the reference, the last
 * window that would fit is left out.
 * @param ids sequences, each (P + 1)·K token ids
 */
async function estimateFromSamples(
  model: PatchModel,
  ids: readonly Int32Array[],
  draws: BrierDraws,
  { numSamples = 2, targets, pause }: BrierOptions,
): Promise<BrierBatch> {
  const { patchSize, noiseSize } = model;
  const golden = targets ?? ids.map((row) => row.subarray(patchSize));
  const shape: Shape = { rows: ids.length, patches: commonLength(golden) / patchSize, patchSize, numSamples };
  const idTensor = joinRows(ids.map((row) => row.subarray(0, shape.patches * patchSize)));
  // Windows of one patch roll nothing out.
  const { hidden, state } =
    patchSize >= NUM_FACTORS
      ? { hidden: await model.sequence.look(idTensor), state: undefined }
      : await model.sequence.feed(idTensor);
  const positions = tf.reshape(hidden, [-1, hidden.shape[2] as number]);
  let samples: PatchDraws | undefined;
  try {
    await pause?.();
    const noise = draws.accuracy(numSamples * shape.rows * shape.patches * noiseSize);
    samples = await model.draw(positions, noise, pause);
    return await scoreWindows(model, samples, golden, shape, state, { draws, pause });
  } finally {
    samples?.dispose();
    disposeTree({ hidden, idTensor, positions, ...(state ? { cache: state.cache } : {}) });
  }
}

async function scoreWindows(
  model: PatchModel,
  samples: PatchDraws,
  golden: readonly Int32Array[],
  shape: Shape,
  state: SequenceState | undefined,
  rolling: Rolling,
): Promise<BrierBatch> {
  const { rows, patches, patchSize } = shape;
  const steps = Math.ceil(NUM_FACTORS / patchSize);
  const windows = steps === 1 ? patches : Math.max(0, patches - steps);
  await decodeWhatCounts(samples, golden, shape, windows, rolling.pause);
  const pairs = Array.from({ length: rows * windows }, () => new Float64Array(NUM_FACTORS));
  const count = (group: SampleGroup) => {
    const own = elementAt(pairs, group.row * windows + group.window);
    own[group.path.length - 1] = elementAt(own, group.path.length - 1) + pairsOf(group);
  };
  let groups = firstGroups(samples.tokens, shape, windows, count);
  for (let step = 1; state && step < steps && groups.length > 0; step++)
    groups = await rollOn(model, state, groups, step, rolling, count);
  const sums = golden.map((target, row) => {
    const own = new Float64Array(NUM_FACTORS);
    for (let window = 0; window < windows; window++) {
      const truth = target.subarray(window * patchSize, window * patchSize + NUM_FACTORS);
      const hits = Array.from({ length: shape.numSamples }, (_, sample) =>
        agreement(truth, pathOf(samples.tokens, shape, sample, row, window)),
      );
      addWindow(own, hits, elementAt(pairs, row * windows + window));
    }
    return own;
  });
  return batchOf(sums, windows);
}

/** Where the teacher-forced tokens of a sample begin, from a window on. */
function placeOf({ rows, patches, patchSize }: Shape, sample: number, row: number, window: number): number {
  return ((sample * rows + row) * patches + window) * patchSize;
}

function pathOf(tokens: Int32Array, shape: Shape, sample: number, row: number, window: number): Int32Array {
  const place = placeOf(shape, sample, row, window);
  return tokens.subarray(place, Math.min(place + NUM_FACTORS, placeOf(shape, sample, row, shape.patches)));
}

/**
 * Decodes the tokens that the score depends on: of each sample the first ones, and the next ones only while
 * it agrees with the truth or with another sample.
 * What is left out is −1 and stands behind a disagreement.
 */
async function decodeWhatCounts(
  samples: PatchDraws,
  golden: readonly Int32Array[],
  shape: Shape,
  windows: number,
  pause: Pause | undefined,
): Promise<void> {
  for (;;) {
    await pause?.();
    const wanted: number[] = [];
    golden.forEach((target, row) => {
      for (let window = 0; window < windows; window++) {
        const truth = target.subarray(window * shape.patchSize, window * shape.patchSize + NUM_FACTORS);
        const places = Array.from({ length: shape.numSamples }, (_, sample) =>
          placeOf(shape, sample, row, window),
        );
        for (const place of places) {
          const hits = agreement(truth, samples.tokens.subarray(place));
          if (hits < truth.length && elementAt(samples.tokens, place + hits) < 0) wanted.push(place + hits);
        }
        wanted.push(...undecided(samples.tokens, places, Math.min(NUM_FACTORS, shape.patchSize)));
      }
    });
    if (wanted.length === 0) return;
    await samples.decode(wanted);
  }
}

/** Places whose tokens must be known to tell which samples agree on their first `length` tokens. */
function undecided(tokens: Int32Array, places: readonly number[], length: number): number[] {
  const tokenAt = (place: number) => tokens[place] as number;
  let groups: (readonly number[])[] = [places];
  const unknown: number[] = [];
  for (let n = 0; n < length && groups.length > 0; n++) {
    const open = groups.filter((group) => group.some((place) => tokenAt(place + n) < 0));
    for (const group of open)
      unknown.push(...group.flatMap((place) => (tokenAt(place + n) < 0 ? [place + n] : [])));
    groups = groups
      .filter((group) => !open.includes(group))
      .flatMap((group) =>
        splitGroup({ row: 0, window: 0, members: group, path: [] }, (place) => tokenAt(place + n)).map(
          ({ members }) => members,
        ),
      );
  }
  return unknown;
}

/**
 * Groups of samples that agree on the first patch of their window (its first four tokens), counted on the
 * way.
 */
function firstGroups(
  tokens: Int32Array,
  shape: Shape,
  windows: number,
  count: (group: SampleGroup) => void,
): SampleGroup[] {
  const everyone = Array.from({ length: shape.numSamples }, (_, sample) => sample);
  return Array.from({ length: shape.rows * windows }, (_, i) => ({
    row: Math.floor(i / windows),
    window: i % windows,
  })).flatMap(({ row, window }) =>
    splitByTokens(
      { row, window, members: everyone, path: [] },
      Math.min(NUM_FACTORS, shape.patchSize),
      count,
      (sample, n) => tokens[placeOf(shape, sample, row, window) + n] as number,
    ),
  );
}

/** Parts a group token by token, counting what is left after each. */
function splitByTokens(
  group: SampleGroup,
  length: number,
  count: (group: SampleGroup) => void,
  tokenOf: (member: number, n: number) => number,
): SampleGroup[] {
  let parts = [group];
  for (let n = 0; n < length; n++) {
    parts = parts.flatMap((part) => splitGroup(part, (member) => tokenOf(member, n)));
    parts.forEach(count);
  }
  return parts;
}

/** Draws counts are rounded up to powers of two of at least this, because each has a graph of its own. */
const FEWEST_DRAWS = 32;

/**
 * One patch more for every group: hidden states after their paths, a draw for every member, and what is left
 * of the groups.
 */
async function rollOn(
  model: PatchModel,
  state: SequenceState,
  groups: readonly SampleGroup[],
  step: number,
  { draws, pause }: Rolling,
  count: (group: SampleGroup) => void,
): Promise<SampleGroup[]> {
  const { patchSize, noiseSize } = model;
  await pause?.();
  const hidden = await model.sequence.branch(
    state,
    groups.map(({ row, window, path }) => ({ row, length: window + 1, ids: Int32Array.from(path) })),
  );
  const wanted = groups.flatMap(({ row, window, members }, group) =>
    members.map((sample) => ({ row, window, sample, group })),
  );
  const rounded = Math.max(FEWEST_DRAWS, 2 ** Math.ceil(Math.log2(wanted.length)));
  const owners = Int32Array.from({ length: rounded }, (_, i) => wanted[i]?.group ?? 0);
  const positions = tf.tidy(() => tf.gather(hidden, intTensor(owners) as tf.Tensor1D));
  const length = Math.min(patchSize, NUM_FACTORS - step * patchSize);
  let tokens: Int32Array;
  try {
    await pause?.();
    const noise = draws.rollout(wanted, step, rounded * noiseSize);
    const drawn = await model.draw(positions, noise, pause);
    tokens = drawn.tokens;
    await drawn.decode(wanted.flatMap((_, i) => Array.from({ length }, (__, k) => i * patchSize + k)));
    drawn.dispose();
  } finally {
    disposeTree({ hidden, positions });
  }
  let taken = 0;
  return groups.flatMap((group) => {
    const first = taken;
    taken += group.members.length;
    return splitByTokens(
      group,
      length,
      count,
      (member, n) => tokens[(first + group.members.indexOf(member)) * patchSize + n] as number,
    );
  });
}
