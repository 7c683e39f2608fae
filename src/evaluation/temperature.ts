/**
 * What temperature does to a model (paper §7.5): how often its text is the true one, and how often two texts
 * are the same. B rows · W windows · K tokens a patch.
 */

import { commonLength, elementAt } from '../elements.ts';
import { disposeTree, type Tensor, tf } from '../engine/index.ts';
import type { PatchModel } from '../models/index.ts';
import { joinRows, type Pausing } from './batches.ts';
import { agreement, NUM_FACTORS } from './brier-score.ts';

export interface TemperatureMeasure {
  /** E 1{x = y} for the next 1 … 4 tokens, and their geometric mean. */
  readonly accuracies: readonly number[];
  readonly accuracy: number;
  /** E 1{x₁ = x₂}, likewise. */
  readonly collisions: readonly number[];
  readonly collision: number;
  readonly numWindows: number;
}

/**
 * How many windows of four tokens begin at a patch of a sequence but the first.
 * @param length of the sequence in tokens
 */
export function windowsIn(length: number, patchSize: number): number {
  return Math.max(0, Math.floor(length / patchSize) - Math.ceil(NUM_FACTORS / patchSize));
}

/**
 * Takes one patch for each hidden state, [positions, hidden]; called anew for each of the two texts and for
 * each patch of them.
 * @returns positions arrays of K ids
 */
export type ChoosePatches = (hidden: Tensor, text: number, step: number) => Promise<readonly Int32Array[]>;

/**
 * Goes on twice from each window's true prefix, four tokens each time.
 * @param ids sequences of one length, the first patch is context only
 * @param windowsPerRow spread evenly over each sequence, at most as many as `windowsIn` says
 * @param options a pause is awaited between patches
 */
export async function measureTemperature(
  model: PatchModel,
  ids: readonly Int32Array[],
  windowsPerRow: number,
  choose: ChoosePatches,
  { pause }: Pausing = {},
): Promise<TemperatureMeasure> {
  const { patchSize } = model;
  const steps = Math.ceil(NUM_FACTORS / patchSize);
  const length = commonLength(ids);
  const patches = length / patchSize - 1;
  const most = windowsIn(length, patchSize);
  const perRow = Math.min(windowsPerRow, most);
  const windows = ids.flatMap((_, row) =>
    Array.from({ length: perRow }, (__, i) => ({
      row,
      window: Math.floor((i * most) / perRow),
    })),
  );
  await pause?.();
  const idTensor = joinRows(ids.map((row) => row.subarray(0, patches * patchSize)));
  const { hidden, state } = await model.sequence.feed(idTensor);
  const places = windows.map(({ row, window }) => row * patches + window);
  const starts = tf.tidy(() => tf.gather(tf.reshape(hidden, [-1, hidden.shape[2] as number]), places));
  const texts: number[][][] = [];
  for (let text = 0; text < 2; text++) {
    const paths: number[][] = windows.map(() => []);
    for (let step = 0; step < steps; step++) {
      await pause?.();
      const branches = windows.map(({ row, window }, i) => ({
        row,
        length: window + 1,
        ids: Int32Array.from(elementAt(paths, i)),
      }));
      const states = step === 0 ? tf.clone(starts) : await model.sequence.branch(state, branches);
      (await choose(states, text, step)).forEach((patch, i) => {
        elementAt(paths, i).push(...patch);
      });
      states.dispose();
    }
    texts.push(paths);
  }
  disposeTree({ hidden, cache: state.cache, idTensor, starts });
  const truths = windows.map(({ row, window }) =>
    elementAt(ids, row).subarray((window + 1) * patchSize, (window + 1) * patchSize + NUM_FACTORS),
  );
  const share = (lengths: readonly number[]) =>
    Array.from(
      { length: NUM_FACTORS },
      (_, n) => lengths.filter((length) => length > n).length / lengths.length,
    );
  const accuracies = share(
    texts.flatMap((paths) => paths.map((path, i) => agreement(elementAt(truths, i), path))),
  );
  const [first, second] = texts as [number[][], number[][]];
  const collisions = share(first.map((path, i) => agreement(path, elementAt(second, i))));
  return {
    accuracies,
    accuracy: geometricMean(accuracies),
    collisions,
    collision: geometricMean(collisions),
    numWindows: windows.length,
  };
}

function geometricMean(values: readonly number[]): number {
  return values.reduce((product, value) => product * value, 1) ** (1 / values.length);
}
