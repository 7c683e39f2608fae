/**
 * Generation patch by patch with a key/value cache (paper §3 and §5): hidden state → N candidate patches → one of them, by the temperature's
 * weights → fed back.  B rows · N candidates · K tokens a patch · Z noise.
 */

import { disposeTree, intTensor, type Tensor, tf } from '../engine/index.ts';
import type { KeyValueCache, PatchDecoder } from '../models/index.ts';
import { chooseCandidate, powerOf, weighCandidates } from './temperature.ts';

export interface GenerateOptions {
  /** 1/n for an integer n; 1 takes one plain draw a patch. */
  readonly temperature: number;
  /** N, the candidates of the batch approximation; not used at temperature 1. */
  readonly numCandidates: number;
  /** Stop once a row has this many tokens, prompt and padding included; may overshoot by K − 1. */
  readonly maxLength: number;
  readonly padId: number;
  /** A row ends with the patch that holds this id. */
  readonly endOfTextId: number | null;
}

/** The draws of generation: any source will do, a seeded stream or a recording. */
export interface GenerateDraws {
  /** Uniform in [−½, ½), [candidates, rows, noise]. */
  noise(step: number, size: number): Float32Array;
  /** One uniform in [0, 1) for a row's weighted choice. */
  choice(step: number, row: number): number;
}

/** What one step made: a patch for each row, and what it was made from. */
export interface GeneratedPatch {
  /** [rows·K]; a row that has ended gets padding. */
  readonly patch: Int32Array;
  /** Candidates, [N·rows·K], candidate by candidate. */
  readonly pool: Int32Array;
  /** [rows·hidden] */
  readonly hidden: Float32Array;
}

/**
 * Generates from prompts whose length is a multiple of K (see alignPrompt). At least one patch is made, whatever maxLength says.
 * @param prompts token ids, all rows of one length
 * @returns an iterator over steps; leaving it early frees everything
 */
export async function* generate(
  decoder: PatchDecoder,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
  draws: GenerateDraws,
): AsyncGenerator<GeneratedPatch> {
  const { patchSize, noiseSize } = decoder.model.config;
  const rows = prompts.length;
  const power = powerOf(options.temperature);
  const numCandidates = power === 1 ? 1 : options.numCandidates;
  const ended = new Array<boolean>(rows).fill(false);
  let fed = flatten(prompts);
  let length = prompts[0].length;
  let cache: KeyValueCache = {};
  try {
    for (let step = 0; step === 0 || (length < options.maxLength && !ended.every(Boolean)); step++) {
      const state = await advance(decoder, fed, rows, cache);
      cache = state.cache;
      const pool = await decoder.draw(state.hidden, draws.noise(step, numCandidates * rows * noiseSize));
      const hidden = Float32Array.from(await state.hidden.data());
      state.hidden.dispose();
      fed = choosePatches(pool, { rows, patchSize, power, ended, padId: options.padId }, (row) => draws.choice(step, row));
      for (let row = 0; row < rows; row++) {
        const isEnd = options.endOfTextId !== null && fed.subarray(row * patchSize, (row + 1) * patchSize).includes(options.endOfTextId);
        ended[row] ||= isEnd;
      }
      length += patchSize;
      yield { patch: fed, pool, hidden };
    }
  } finally {
    disposeTree(cache);
  }
}

/** Feeds patches and keeps the last hidden state, [rows, hidden]; frees the old cache. */
async function advance(decoder: PatchDecoder, ids: Int32Array, rows: number, past: KeyValueCache): Promise<{ hidden: Tensor; cache: KeyValueCache }> {
  const idTensor = intTensor(ids, [rows, ids.length / rows]);
  const { hidden, cache } = await decoder.feed(idTensor, past);
  const [, patches, size] = hidden.shape as [number, number, number];
  const last = tf.tidy(() => tf.reshape(tf.slice(hidden, [0, patches - 1, 0], [rows, 1, size]), [rows, size]));
  disposeTree({ past, hidden, idTensor });
  return { hidden: last, cache };
}

interface Choice {
  readonly rows: number;
  readonly patchSize: number;
  readonly power: number;
  readonly ended: readonly boolean[];
  readonly padId: number;
}

function choosePatches(pool: Int32Array, { rows, patchSize, power, ended, padId }: Choice, uniform: (row: number) => number): Int32Array {
  const chosen = new Int32Array(rows * patchSize);
  for (let row = 0; row < rows; row++) {
    const own = candidatesOfRow(pool, row, rows, patchSize);
    const patch = power === 1 ? own : chooseCandidate(weighCandidates(own, patchSize, power).candidates, uniform(row)).patch;
    chosen.set(ended[row] ? new Int32Array(patchSize).fill(padId) : patch.subarray(0, patchSize), row * patchSize);
  }
  return chosen;
}

/** [N·rows·K] → the candidates of one row, [N·K]. */
export function candidatesOfRow(pool: Int32Array, row: number, rows: number, patchSize: number): Int32Array {
  const numCandidates = pool.length / (rows * patchSize);
  const own = new Int32Array(numCandidates * patchSize);
  for (let i = 0; i < numCandidates; i++) own.set(pool.subarray((i * rows + row) * patchSize, (i * rows + row + 1) * patchSize), i * patchSize);
  return own;
}

function flatten(rows: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => {
    out.set(row, i * row.length);
  });
  return out;
}

/**
 * Fills a prompt up to a multiple of K. `left` puts `fillId` (end-of-text) before it, so that the continuation follows the prompt directly and
 * every id that the model sees was trained; `right` puts padding behind it, as the reference does. An empty prompt becomes one patch of filling.
 */
export function alignPrompt(ids: ArrayLike<number>, patchSize: number, fillId: number, side: 'left' | 'right' = 'left'): Int32Array {
  const length = Math.max(patchSize, Math.ceil(ids.length / patchSize) * patchSize);
  const aligned = new Int32Array(length).fill(fillId);
  aligned.set(ids, side === 'left' ? length - ids.length : 0);
  return aligned;
}
