/**
 * One patch for each row at a temperature. Where the model has a likelihood, from its distribution,
 * reweighed; where it
 * gives samples alone, by the exact algorithm or the batch approximation (see temperature.ts), from draws in
 * blocks.
 * B rows · N candidates · K tokens a patch · H hidden.
 */

import { type Tensor, tf } from '../engine/index.ts';
import { choiceOfSamples, choiceOfTokens } from '../errors.ts';
import type { Likelihood, Pause, TextSource } from '../models/index.ts';
import { inverseCdf } from '../models/transformer/decoding.ts';
import { choosePatches } from './candidates.ts';
import { chooseCandidate, ExactSampler, type Power, powerOf, weighCandidates } from './temperature.ts';
import { reweigh, type TokenChoice } from './token-choice.ts';

export const SAMPLERS = ['batch', 'exact'] as const;

/** `topK` and `topP` are for models with a likelihood, the others for those without. */
export interface TemperatureOptions extends TokenChoice {
  readonly sampler?: (typeof SAMPLERS)[number];
  /** N, the candidates of the batch approximation. */
  readonly numCandidates?: number;
  /**
   * Draws that the exact algorithm may take for one patch; then the batch approximation chooses among them.
   */
  readonly drawBudget?: number;
  readonly pause?: Pause | undefined;
}

const BY_TOKENS = ['topK', 'topP'] as const;
const BY_SAMPLES = ['sampler', 'numCandidates', 'drawBudget'] as const;

/** Refuses the options that a model has no use for. */
export function checkChoice(
  options: Partial<TemperatureOptions>,
  { hasLikelihood }: { readonly hasLikelihood: boolean },
): void {
  const unused = (hasLikelihood ? BY_SAMPLES : BY_TOKENS).find((key) => options[key] !== undefined);
  if (unused) throw hasLikelihood ? choiceOfSamples(unused) : choiceOfTokens(unused);
}

export const DEFAULT_CANDIDATES = 200;

/** Plenty for a model that is sure of itself, and a second or two at laptop sizes for one that is not. */
export const DEFAULT_DRAW_BUDGET = 20_000;

/** The random numbers of one choice. */
export interface ChoiceDraws {
  /**
   * Noise for the candidates of all rows, as the head wants it; `block` counts from 0 where the exact
   * algorithm asks again.
   */
  noise(size: number, block: number): Float32Array;
  /**
   * A uniform number in [0, 1) for a row: a distribution and the batch approximation take the first, the
   * exact algorithm as many as it needs.
   */
  uniform(row: number, index: number): number;
}

export interface ChosenPatches {
  /** One for each row, K ids. */
  readonly patches: Int32Array[];
  /** Draws that were taken for each row. */
  readonly draws: number[];
  /**
   * Rows where the exact algorithm ran out of draws and the batch approximation chose: their patches are not
   * exactly distributed.
   */
  readonly fallbacks: boolean[];
}

/** Takes one patch for each row. @param hidden [rows, hidden] */
export async function choose(
  model: TextSource,
  hidden: Tensor,
  options: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<ChosenPatches> {
  checkChoice(options, { hasLikelihood: model.likelihood !== undefined });
  if (model.likelihood) return chooseTokens(model.likelihood, hidden, options, draws);
  const power = powerOf(options.temperature);
  const isPlain = power.whole === 1 && power.rest === 0;
  return options.sampler === 'exact' && !isPlain
    ? chooseExactly(model, hidden, power, options, draws)
    : chooseFromBatch(model, hidden, power, isPlain ? { ...options, numCandidates: 1 } : options, draws);
}

/** One token for each row, from its distribution. */
async function chooseTokens(
  likelihood: Pick<Likelihood, 'eachDistribution'>,
  hidden: Tensor,
  options: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<ChosenPatches> {
  const patches: Int32Array[] = [];
  const takeAt = (row: number, probabilities: Float32Array) => {
    patches.push(Int32Array.of(inverseCdf(reweigh(probabilities, options))(draws.uniform(row, 0))));
  };
  await likelihood.eachDistribution(hidden, takeAt, options.pause);
  return { patches, draws: patches.map(() => 1), fallbacks: patches.map(() => false) };
}

async function chooseFromBatch(
  model: TextSource,
  hidden: Tensor,
  power: Power,
  { numCandidates = DEFAULT_CANDIDATES, pause }: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<ChosenPatches> {
  const rows = hidden.shape[0];
  const candidates = await model.draw(hidden, draws.noise(numCandidates * rows * model.noiseSize, 0));
  const uniform = (row: number) => (numCandidates === 1 ? 0 : draws.uniform(row, 0));
  try {
    const patches = await choosePatches(candidates, rows, power, uniform, pause);
    return { patches, draws: new Array(rows).fill(numCandidates), fallbacks: new Array(rows).fill(false) };
  } finally {
    candidates.dispose();
  }
}

/** Draws come in blocks that grow, so that a sure model is asked little and an unsure one not often. */
const [FIRST_BLOCK, LARGEST_BLOCK] = [32, 512];

/** What is drawn is independent, so a block can be consumed in order. */
async function chooseExactly(
  model: TextSource,
  hidden: Tensor,
  power: Power,
  { drawBudget = DEFAULT_DRAW_BUDGET, pause }: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<ChosenPatches> {
  const { patchSize } = model;
  const states = Array.from(
    { length: hidden.shape[0] },
    (_, row) => new RowState(power, (index) => draws.uniform(row, index)),
  );
  for (let block = 0, size = FIRST_BLOCK; ; block++, size = Math.min(2 * size, LARGEST_BLOCK)) {
    const open = [...states.entries()].filter(
      ([, { found, sampler }]) => !found && sampler.draws < drawBudget,
    );
    if (open.length === 0) break;
    await pause?.();
    const rows = open.map(([row]) => row);
    const asked = tf.tidy(() => tf.gather(hidden, rows));
    const noise = draws.noise(size * open.length * model.noiseSize, block);
    const tokens = await drawTokens(model, asked, noise);
    open.forEach(([, state], i) => {
      state.take(
        Array.from({ length: size }, (_, candidate) =>
          tokens.slice(
            (candidate * open.length + i) * patchSize,
            (candidate * open.length + i + 1) * patchSize,
          ),
        ),
        drawBudget,
      );
    });
  }
  return {
    patches: states.map((state) => state.found ?? state.choose(power, patchSize)),
    draws: states.map(({ sampler }) => sampler.draws),
    fallbacks: states.map(({ found }) => found === undefined),
  };
}

/** All tokens of some draws; frees the hidden states. */
async function drawTokens(model: TextSource, hidden: Tensor, noise: Float32Array): Promise<Int32Array> {
  try {
    const drawn = await model.draw(hidden, noise);
    try {
      return await drawn.decodeAll();
    } finally {
      drawn.dispose();
    }
  } finally {
    hidden.dispose();
  }
}

/** The exact algorithm on one row, and all that it has drawn. */
class RowState {
  readonly sampler: ExactSampler<Int32Array>;
  readonly #uniform: (index: number) => number;
  readonly #pool: Int32Array[] = [];
  #taken = 0;
  found: Int32Array | undefined;

  constructor(power: Power, uniform: (index: number) => number) {
    this.#uniform = uniform;
    this.sampler = new ExactSampler(power, () => uniform(++this.#taken), isSamePatch);
  }

  take(patches: readonly Int32Array[], budget: number): void {
    for (const patch of patches) {
      if (this.found || this.sampler.draws >= budget) return;
      this.#pool.push(patch);
      if (this.sampler.offer(patch)) this.found = patch;
    }
  }

  /** The batch approximation over what was drawn. */
  choose(power: Power, patchSize: number): Int32Array {
    const pool = Int32Array.from(this.#pool.flatMap((patch) => [...patch]));
    return chooseCandidate(weighCandidates(pool, patchSize, power).candidates, this.#uniform(0)).patch;
  }
}

function isSamePatch(a: Int32Array, b: Int32Array): boolean {
  return a.every((id, i) => id === b[i]);
}
