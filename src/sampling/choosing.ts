/**
 * One patch for each row at a temperature. Where the model has a likelihood, from its distribution,
 * reweighed; where it
 * gives samples alone, by the exact algorithm or the batch approximation (see temperature.ts), from draws in
 * blocks.
 * B rows · N candidates · K tokens a patch · H hidden.
 */

import { commonLength } from '../elements.ts';
import { type Tensor, tf } from '../engine/index.ts';
import { choiceOfSamples, choiceOfTokens } from '../errors.ts';
import type { Likelihood, Pause, TextSource } from '../models/index.ts';
import { inverseCdf } from '../models/transformer/decoding.ts';
import { choosePatches } from './candidates.ts';
import {
  type CountedPatch,
  chooseCandidate,
  countPatches,
  ExactSampler,
  type Power,
  powerOf,
  weighCandidates,
} from './temperature.ts';
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
  /** Whether to tell what was drawn from samples, and how often; takes all tokens of all draws. */
  readonly countsCandidates?: boolean;
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
  /** What was drawn for each row, in the order of its first appearance, where it was asked for. */
  readonly candidates?: CountedPatch[][];
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
  { numCandidates = DEFAULT_CANDIDATES, countsCandidates, pause }: TemperatureOptions,
  draws: ChoiceDraws,
): Promise<ChosenPatches> {
  const { patchSize } = model;
  const rows = hidden.shape[0];
  const candidates = await model.draw(hidden, draws.noise(numCandidates * rows * model.noiseSize, 0));
  const uniform = (row: number) => (numCandidates === 1 ? 0 : draws.uniform(row, 0));
  try {
    const tokens = countsCandidates ? await candidates.decodeAll() : undefined;
    const patches = await choosePatches(candidates, rows, power, uniform, pause);
    return {
      patches,
      draws: new Array(rows).fill(numCandidates),
      fallbacks: new Array(rows).fill(false),
      ...(tokens ? { candidates: patchesOf(tokens, rows, patchSize).map(counted) } : {}),
    };
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
  { drawBudget = DEFAULT_DRAW_BUDGET, countsCandidates, pause }: TemperatureOptions,
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
    patchesOf(tokens, open.length, patchSize).forEach((patches, i) => {
      open[i]?.[1].take(patches, drawBudget);
    });
  }
  return {
    patches: states.map((state) => state.found ?? state.choose(power, patchSize)),
    draws: states.map(({ sampler }) => sampler.draws),
    fallbacks: states.map(({ found }) => found === undefined),
    ...(countsCandidates ? { candidates: states.map(({ drawn }) => counted(drawn)) } : {}),
  };
}

/** For each row its patches, of those that were drawn candidate by candidate. */
function patchesOf(tokens: Int32Array, rows: number, patchSize: number): Int32Array[][] {
  const patches = Array.from({ length: tokens.length / patchSize }, (_, i) =>
    tokens.slice(i * patchSize, (i + 1) * patchSize),
  );
  return Array.from({ length: rows }, (_, row) => patches.filter((_patch, i) => i % rows === row));
}

function counted(patches: readonly Int32Array[]): CountedPatch[] {
  return countPatches(flat(patches), commonLength(patches));
}

function flat(patches: readonly Int32Array[]): Int32Array {
  return Int32Array.from(patches.flatMap((patch) => [...patch]));
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
  /** All that it has looked at. */
  readonly drawn: Int32Array[] = [];
  #taken = 0;
  found: Int32Array | undefined;

  constructor(power: Power, uniform: (index: number) => number) {
    this.#uniform = uniform;
    this.sampler = new ExactSampler(power, () => uniform(++this.#taken), isSamePatch);
  }

  take(patches: readonly Int32Array[], budget: number): void {
    for (const patch of patches) {
      if (this.found || this.sampler.draws >= budget) return;
      this.drawn.push(patch);
      if (this.sampler.offer(patch)) this.found = patch;
    }
  }

  /** The batch approximation over what was drawn. */
  choose(power: Power, patchSize: number): Int32Array {
    const { candidates } = weighCandidates(flat(this.drawn), patchSize, power);
    return chooseCandidate(candidates, this.#uniform(0)).patch;
  }
}

function isSamePatch(a: Int32Array, b: Int32Array): boolean {
  return a.every((id, i) => id === b[i]);
}
