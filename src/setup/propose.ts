/** Which recipe, and how many steps, fit a text and a time. */

import { elementAt } from '../elements.ts';
import type { Speed } from './calibrate.ts';
import type { Holding } from './documents.ts';
import {
  MOST_PASSES,
  RECIPES,
  RECORDED_TEXT,
  REFERENCE,
  type Recipe,
  type RecordedRun,
  STANDARD,
} from './recipes.ts';
import type { RecipeCost, Stages } from './stages.ts';

/** Seconds that a run is going to take. */
export interface Durations {
  readonly tokenize: number;
  readonly autoencoder: number;
  readonly encode: number;
  readonly model: number;
  /** Evaluation, samples, and starting. */
  readonly rest: number;
}

/** A recipe for a text. */
export interface Candidate {
  readonly recipe: Recipe;
  /** The starter's stages with the recipe's keys. */
  readonly stages: Stages;
  readonly cost: RecipeCost;
}

export interface Proposal extends Candidate {
  /** Of the language model. */
  readonly steps: number;
  /** How often it goes through the training text. */
  readonly passes: number;
  readonly seconds: Durations;
  /** Why it is not as long as was asked for. */
  readonly limit: 'text' | 'time' | undefined;
  /** The recorded run that is the nearest. */
  readonly recorded: RecordedRun | undefined;
}

/** What a proposal must fit. */
export interface Wish {
  readonly minutes: number;
  readonly holding: Pick<Holding, 'trainBytes' | 'heldOutBytes'>;
  /** The recipes of the tokenizer. */
  readonly candidates: readonly Candidate[];
  readonly speed: Speed;
}

/** The recipes of a tokenizer; of `bpe` those that a text of this size is enough for. */
export function recipesOf(tokenizer: Recipe['tokenizer'], textBytes: number): Recipe[] {
  const all = RECIPES.filter((recipe) => recipe.tokenizer === tokenizer);
  const fitting = all.filter(({ leastBytes }) => leastBytes <= textBytes);
  return fitting.length > 0 ? fitting : all.slice(0, 1);
}

/** The tokenizer where nobody chose one. */
export function standardTokenizer(textBytes: number, minutes: number): Recipe['tokenizer'] {
  const { tokenizer, leastMinutes } = STANDARD;
  const isText = RECIPES.some((recipe) => recipe.tokenizer === tokenizer && recipe.leastBytes <= textBytes);
  return isText && minutes >= leastMinutes ? tokenizer : 'bytes';
}

/** The last recipe that gets its least number of steps in the time; else the first one with that number. */
export function propose({ candidates, ...wish }: Wish): Proposal {
  const proposals = candidates.map((candidate) => proposalOf(candidate, wish));
  return proposals.findLast(({ limit }) => limit !== 'time') ?? elementAt(proposals, 0);
}

function proposalOf(
  { recipe, stages, cost }: Candidate,
  { minutes, holding, speed }: Omit<Wish, 'candidates'>,
): Proposal {
  const trainTokens = holding.trainBytes / speed.bytesPerToken;
  const passesOf = (steps: number) => (steps * cost.model.tokensPerStep) / trainTokens;
  const enough = Math.max(recipe.leastSteps, Math.floor(MOST_PASSES / passesOf(1)));
  const affordable = stepsIn(60 * minutes, recipe, cost, holding, speed);
  const steps = roundedDown(Math.min(enough, Math.max(affordable, recipe.leastSteps)));
  const limit = affordable < recipe.leastSteps ? 'time' : affordable > enough ? 'text' : undefined;
  return {
    recipe,
    stages,
    cost,
    steps,
    passes: passesOf(steps),
    seconds: durationsOf(steps, recipe, cost, holding, speed),
    limit,
    recorded: recipe.recorded.findLast((run) => run.steps <= steps) ?? recipe.recorded[0],
  };
}

/** Steps of the language model for which there is time beside everything else. */
function stepsIn(
  seconds: number,
  recipe: Recipe,
  cost: RecipeCost,
  holding: Wish['holding'],
  speed: Speed,
): number {
  const { model: _, ...others } = durationsOf(0, recipe, cost, holding, speed);
  const left = seconds - totalSeconds({ model: 0, ...others });
  return Math.max(0, Math.floor((left * speed.modelRate) / cost.model.flopsPerStep));
}

function durationsOf(
  steps: number,
  { tokenizer, patchSize, autoencoder, endSeconds }: Recipe,
  cost: RecipeCost,
  { trainBytes, heldOutBytes }: Wish['holding'],
  { autoencoderRate, modelRate, bytesPerToken, sample }: Speed,
): Durations {
  const slowness = REFERENCE.flopsPerSecond / modelRate;
  const bytes = trainBytes + heldOutBytes;
  const tokens = bytes / bytesPerToken;
  const encoded = patchSize * distinctPatches(tokens, patchSize, sample);
  return {
    tokenize: slowness * REFERENCE.tokenizeSeconds[tokenizer] * bytes,
    autoencoder: (autoencoder.steps * cost.autoencoder.flopsPerStep) / autoencoderRate,
    encode: slowness * REFERENCE.encodeSeconds * tokens + (encoded * cost.encoderFlops) / autoencoderRate,
    model: (steps * cost.model.flopsPerStep) / modelRate,
    rest: REFERENCE.startSeconds + slowness * endSeconds,
  };
}

/** Heaps' law: of twice the text, so many times the different patches (an assumption; words have about this). */
const HEAPS = 0.6;

/** How many patches are different and so encoded, from those of a sample. */
function distinctPatches(tokens: number, patchSize: number, sample: Speed['sample']): number {
  const found = sample.patches * Math.max(1, tokens / sample.tokens) ** HEAPS;
  return Math.min(tokens / patchSize, found);
}

export function totalSeconds(durations: Durations): number {
  return Object.values(durations).reduce((sum, seconds) => sum + seconds, 0);
}

/** Two significant digits. */
function roundedDown(steps: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(steps)) - 1);
  return unit * Math.floor(steps / unit);
}

/** Whether a text is much smaller than what recorded runs had. */
export function isSmallText(bytes: number): boolean {
  return bytes < RECORDED_TEXT.bytes / 10;
}
