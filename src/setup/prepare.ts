/** From texts and wishes to the stages of a configuration. */

import { existsSync } from 'node:fs';
import { countTexts, tokenizerFileOf } from '../data/index.ts';
import { elementAt } from '../elements.ts';
import { fileMissing } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import type { Registry, RunOptions } from '../pipeline/index.ts';
import { calibrate, type Speed } from './calibrate.ts';
import { chooseHolding, type Holding } from './documents.ts';
import { type Candidate, type Proposal, propose, recipesOf, standardTokenizer } from './propose.ts';
import { BYTES_AN_ENTRY, REFERENCE, type Recipe, STANDARD } from './recipes.ts';
import { costOf, patchesPerSequence, type Stages, stageIn, stagesOf } from './stages.ts';
import { corpusValue, starterStages } from './starter.ts';
import type { Texts } from './texts.ts';

export interface Wishes {
  readonly minutes: number;
  /** `bytes`, `bpe` or the path of a tokenizer, relative to `base`; the one for the text where absent. */
  readonly tokenizer: string | undefined;
  /** The folder that the configuration is going to lie in. */
  readonly base: string;
  /** How the machine is measured; where absent, the one of the recorded runs stands for it. */
  readonly measuring:
    | (Pick<RunOptions, 'loadEngine' | 'version'> & { readonly signal: AbortSignal })
    | undefined;
}

export interface Prepared {
  readonly proposal: Proposal;
  readonly holding: Holding;
  readonly speed: Speed;
  /** `corpus` of the configuration. */
  readonly corpus: unknown;
  /** Stage → keys that are not the starter's; undefined where one is left out. */
  readonly stages: Stages;
}

/**
 * Chooses and measures. A text that is too small to be trained on is an error that says how much is needed.
 */
export async function prepare(texts: Texts, wishes: Wishes, registry: Registry): Promise<Prepared> {
  const { base, minutes, tokenizer = standardTokenizer(texts.count.bytes, minutes) } = wishes;
  await checkTokenizer(tokenizer, base);
  const candidates = await candidatesFor(tokenizer, texts.count.bytes, base, registry);
  const holding = await holdingOf(texts, candidates[0]);
  const chosenAmong = async (among: readonly [Candidate, ...Candidate[]]) => {
    const speed = await speedOf(among[0], texts, wishes, registry);
    return { speed, proposal: propose({ minutes, holding, candidates: among, speed }) };
  };
  const first = await chosenAmong(candidates);
  // What was measured stands for all recipes; the one that is chosen is measured itself.
  const isOther = first.proposal.recipe !== candidates[0].recipe;
  const { speed, proposal } = isOther ? await chosenAmong([first.proposal]) : first;
  if (proposal.limit === 'time' && wishes.tokenizer === undefined && tokenizer !== 'bytes')
    return prepare(texts, { ...wishes, tokenizer: 'bytes' }, registry);
  return {
    proposal,
    holding,
    speed,
    corpus: corpusValue(texts.sources.map((source) => withKind(source, holding))),
    stages: changesFor(proposal, holding, texts),
  };
}

/** Keys for texts that are not there yet: those of the tokenizer's first recipe. */
export function unfitted(tokenizer: string = STANDARD.tokenizer): Stages {
  const recipe = elementAt(recipesOf(kindOf(tokenizer), Number.POSITIVE_INFINITY), 0);
  return {
    tokenize: { ...recipe.tokenize, tokenizer, onBadLine: undefined },
    'train-autoencoder': recipe.autoencoder,
    'train-lm': { ...recipe.model, bestMetric: undefined },
    evaluate: recipe.evaluate ?? {},
    sample: recipe.sample ?? {},
  };
}

async function speedOf(
  { recipe, stages, cost }: Candidate,
  { count }: Texts,
  { measuring, base }: Wishes,
  registry: Registry,
): Promise<Speed> {
  if (!measuring) return { ...REFERENCE_SPEED, bytesPerToken: recipe.bytesPerToken };
  return calibrate(absolute(stages, base), count.sample, cost, registry, measuring);
}

/** Of the machine that the recorded runs were made on. */
const REFERENCE_SPEED = {
  engine: undefined,
  autoencoderRate: REFERENCE.autoencoderFlopsPerSecond,
  modelRate: REFERENCE.flopsPerSecond,
  sample: { tokens: 1, patches: 1 },
};

/** A file that is to be the tokenizer is there. */
async function checkTokenizer(tokenizer: string, base: string): Promise<void> {
  if (isNamed(tokenizer)) return;
  const path = await tokenizerFileOf(resolvePath(base, tokenizer));
  if (!existsSync(path)) throw fileMissing(path, 'tokenizer');
}

/** A tokenizer of a file has the recipes of `bpe`. */
const kindOf = (tokenizer: string) => (tokenizer === 'bytes' ? 'bytes' : 'bpe');

/** Whether a tokenizer is no file. */
const isNamed = (tokenizer: string) => tokenizer === 'bytes' || tokenizer === 'bpe';

/** The recipes for a tokenizer and a text of so many bytes. */
async function candidatesFor(
  tokenizer: string,
  bytes: number,
  base: string,
  registry: Registry,
): Promise<[Candidate, ...Candidate[]]> {
  const starter = await starterStages();
  const candidates: Candidate[] = [];
  for (const known of recipesOf(kindOf(tokenizer), bytes)) {
    const recipe = { ...known, tokenize: tokenizeKeys(known, tokenizer, bytes) };
    const stages = stagesOf(starter, recipe);
    candidates.push({ recipe, stages, cost: await costOf(stages, base, registry) });
  }
  return candidates as [Candidate, ...Candidate[]];
}

/** A vocabulary that is trained on little text is a small one. */
function tokenizeKeys({ tokenize }: Recipe, tokenizer: string, bytes: number): Recipe['tokenize'] {
  if (tokenizer !== 'bpe') return { ...tokenize, tokenizer, vocabSize: undefined };
  const most = Math.max(LEAST_VOCABULARY, Math.floor(bytes / BYTES_AN_ENTRY));
  return { ...tokenize, vocabSize: Math.min(Number(tokenize.vocabSize), most) };
}

/** 256 bytes, two special tokens, and a few words. */
const LEAST_VOCABULARY = 320;

function holdingOf({ files, count }: Texts, { recipe, stages }: Candidate): Promise<Holding> {
  const sequence = patchesPerSequence(stages) * recipe.patchSize * recipe.bytesPerToken;
  const counted = async (documents: Holding['documents']) =>
    documents === 'file' ? count : countTexts(files.map((file) => ({ ...file, documents })));
  return chooseHolding(files, counted, sequence);
}

/** Lines of JSON are documents whatever is said. */
function withKind<Source extends Texts['sources'][number]>(source: Source, { documents }: Holding): Source {
  return source.textField === 'text' ? { ...source, documents } : source;
}

/** The stages as another folder has them. */
function absolute(stages: Stages, base: string): Stages {
  const tokenizer = stages.tokenize?.tokenizer;
  if (isNamed(String(tokenizer))) return stages;
  return { ...stages, tokenize: { ...stages.tokenize, tokenizer: resolvePath(base, String(tokenizer)) } };
}

/** Where a text is read more often than this, the last step is not the best one. */
const FEW_PASSES = 4;
/** Measurements on held-out text; in a long training they are this far apart at most. */
const [MEASUREMENTS, MOST_BETWEEN] = [8, 2000];

function changesFor({ recipe, stages, steps, passes }: Proposal, holding: Holding, { count }: Texts): Stages {
  const sequence = patchesPerSequence(stages) * recipe.patchSize * recipe.bytesPerToken;
  const atMost = (key: number) => Math.max(1, Math.min(key, Math.floor(holding.heldOutBytes / sequence)));
  const model = stageIn(stages, 'train-lm');
  return {
    tokenize: {
      ...recipe.tokenize,
      validationFraction: holding.validationFraction,
      onBadLine: count.numBad > 0 ? 'skip' : undefined,
    },
    'train-autoencoder': recipe.autoencoder,
    'train-lm': {
      ...recipe.model,
      steps,
      warmupSteps: Math.min(Number(model.warmupSteps), Math.ceil(steps / 10)),
      evaluateEvery: Math.min(Math.ceil(steps / MEASUREMENTS), MOST_BETWEEN),
      evaluateSequences: atMost(Number(model.evaluateSequences)),
      bestMetric: passes > FEW_PASSES ? 'validationLoss' : undefined,
    },
    evaluate: { ...recipe.evaluate, numSequences: atMost(Number(stages.evaluate?.numSequences)) },
    sample: { ...recipe.sample, prompt: firstWords(count.sample) },
  };
}

const PROMPT_WORDS = 3;
const LONGEST_PROMPT = 40;

/** How the text begins, for samples to go on from; nothing where it has no such words. */
function firstWords(sample: readonly string[]): string {
  const [, words = ''] = /^\s*((?:\S+\s+){0,2}\S+)/.exec(sample[0] ?? '') ?? [];
  const prompt = words.split(/\s+/).slice(0, PROMPT_WORDS).join(' ');
  return prompt.length <= LONGEST_PROMPT && !/\p{Cc}/u.test(prompt) ? prompt : '';
}
