/**
 * Generation patch by patch with a key/value cache (paper §3 and §5): hidden state → candidate patches → one
 * of them, by the temperature → fed back. A model with a likelihood chooses from its
 * distribution instead.
 * B rows · K tokens a patch (1 of a discrete Transformer).
 */

import { commonLength } from '../elements.ts';
import { disposeTree, intTensor, type Tensor, tf } from '../engine/index.ts';
import type { SequenceState, TextSource } from '../models/index.ts';
import { type ChoiceDraws, type ChosenPatches, choose, type TemperatureOptions } from './choosing.ts';
import type { CountedPatch } from './temperature.ts';

export interface GenerateOptions extends TemperatureOptions {
  /** Stop once a row has this many tokens, prompt and padding included; may overshoot by K − 1. */
  readonly maxLength: number;
  readonly padId: number;
  /** A row ends with the patch that holds this id. */
  readonly endOfTextId: number | null;
}

/** The draws of generation: any source will do, a seeded stream or a recording. */
export interface GenerateDraws {
  /** Noise as the head wants it, `size` numbers; `block` counts from 0 within a step. */
  noise(step: number, size: number, block: number): Float32Array;
  /** A uniform number in [0, 1) for a row's choice; `index` counts from 0 within a step. */
  choice(step: number, row: number, index: number): number;
}

/** What one step made: a patch for each row, and what it was made from. */
export interface GeneratedPatch {
  /** [rows·K]; a row that has ended gets padding. */
  readonly patch: Int32Array;
  /** [rows·hidden] */
  readonly hidden: Float32Array;
  /** Draws that were taken for each row. */
  readonly draws: readonly number[];
  /** Rows in which the exact algorithm ran out of draws. */
  readonly fallbacks: readonly boolean[];
  /** What was drawn for each row and how often, where `countsCandidates` asks for it. */
  readonly candidates?: readonly (readonly CountedPatch[])[] | undefined;
}

/**
 * Generates from prompts whose length is a multiple of K (see alignPrompt). At least one patch is made,
 * whatever maxLength says.
 * @param prompts token ids, all rows of one length
 * @returns an iterator over steps; leaving it early frees everything
 */
export async function* generate(
  model: TextSource,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
  draws: GenerateDraws,
): AsyncGenerator<GeneratedPatch> {
  const { patchSize } = model;
  const rows = prompts.length;
  const ended = new Array<boolean>(rows).fill(false);
  let fed = flatten(prompts);
  let length = commonLength(prompts);
  let past: SequenceState | undefined;
  try {
    for (let step = 0; step === 0 || (length < options.maxLength && !ended.every(Boolean)); step++) {
      const { hidden: last, state } = await advance(model, fed, rows, past);
      past = state;
      const stepDraws: ChoiceDraws = {
        noise: (size, block) => draws.noise(step, size, block),
        uniform: (row, index) => draws.choice(step, row, index),
      };
      const { chosen, hidden } = await chooseFrom(model, last, options, stepDraws);
      fed = flatten(
        chosen.patches.map((patch, row) =>
          ended[row] ? new Int32Array(patchSize).fill(options.padId) : patch,
        ),
      );
      for (let row = 0; row < rows; row++) {
        const isEnd =
          options.endOfTextId !== null &&
          fed.subarray(row * patchSize, (row + 1) * patchSize).includes(options.endOfTextId);
        ended[row] ||= isEnd;
      }
      length += patchSize;
      const { draws: taken, fallbacks, candidates } = chosen;
      yield { patch: fed, hidden, draws: taken, fallbacks, candidates };
    }
  } finally {
    if (past) disposeTree(past.cache);
  }
}

/** Patches chosen by a hidden state, and its numbers; frees it, also where the choice is broken off. */
async function chooseFrom(
  model: TextSource,
  last: Tensor,
  options: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<{ chosen: ChosenPatches; hidden: Float32Array }> {
  try {
    const chosen = await choose(model, last, options, draws);
    return { chosen, hidden: Float32Array.from(await last.data()) };
  } finally {
    last.dispose();
  }
}

/** Feeds patches and keeps the last hidden state, [rows, hidden]; frees the past. */
async function advance(
  model: TextSource,
  ids: Int32Array,
  rows: number,
  past: SequenceState | undefined,
): Promise<{ hidden: Tensor; state: SequenceState }> {
  const idTensor = intTensor(ids, [rows, ids.length / rows]);
  const { hidden, state } = await model.sequence.feed(idTensor, past);
  const [, patches, size] = hidden.shape as [number, number, number];
  const last = tf.tidy(() =>
    tf.reshape(tf.slice(hidden, [0, patches - 1, 0], [rows, 1, size]), [rows, size]),
  );
  disposeTree({ ...(past ? { past: past.cache } : {}), hidden, idTensor });
  return { hidden: last, state };
}

function flatten(rows: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(rows.length * commonLength(rows));
  rows.forEach((row, i) => {
    out.set(row, i * row.length);
  });
  return out;
}
