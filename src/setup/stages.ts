/** The stages of a recipe as plain data, for counting what they cost and for measuring how fast they are. */

import { checkConfig, costsOf, type Registry, type RunConfig, totalsOf } from '../pipeline/index.ts';
import type { Recipe } from './recipes.ts';

export type Stages = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the model of a training stage costs. */
export interface TrainingCost {
  readonly parameters: number;
  readonly flopsPerStep: number;
  readonly tokensPerStep: number;
}

export interface RecipeCost {
  readonly autoencoder: TrainingCost;
  readonly model: TrainingCost;
  /** FLOPs of the encoder, for a token. */
  readonly encoderFlops: number;
}

/** The starter's stages with a recipe's keys. @param starter configs/starter.yaml as data */
export function stagesOf(starter: Stages, recipe: Recipe): Stages {
  const { tokenize, autoencoder, model, evaluate, sample } = recipe;
  return {
    ...starter,
    tokenize: { ...starter.tokenize, ...tokenize },
    'train-autoencoder': { ...starter['train-autoencoder'], ...autoencoder },
    'train-lm': { ...starter['train-lm'], ...model },
    evaluate: { ...starter.evaluate, ...evaluate },
    sample: { ...starter.sample, ...sample },
  };
}

/** The keys of a stage, which must be there. */
export function stageIn(stages: Stages, id: string): Stages[string] {
  const stage = stages[id];
  if (!stage) throw new TypeError(`there is no stage ${id} among ${Object.keys(stages).join(', ')}`);
  return stage;
}

/** Of the language model. */
export function patchesPerSequence(stages: Stages): number {
  return Number(stageIn(stages, 'train-lm').patchesPerSequence);
}

/** A configuration that lies in no file. @param directory what its paths and its runs are relative to */
export function configOf(stages: Stages, directory: string): RunConfig {
  const file = `${directory}/calm.yaml`;
  return checkConfig({
    file,
    directory,
    outputBase: directory,
    data: { name: 'measured', stages },
    locate: () => ({ file }),
  });
}

/** What `calm cost` says of a recipe. */
export async function costOf(stages: Stages, directory: string, registry: Registry): Promise<RecipeCost> {
  const costs = await costsOf(configOf(stages, directory), registry);
  const of = (id: string): TrainingCost => {
    const cost = costs.find(({ stage }) => stage === id);
    if (!cost?.trainingTokens) throw new TypeError(`${id} says nothing of its cost`);
    const { parameters, trainingFlopsPerToken } = totalsOf(cost);
    const tokensPerStep = cost.trainingTokens / Number(stageIn(stages, id).steps);
    return { parameters, flopsPerStep: trainingFlopsPerToken * tokensPerStep, tokensPerStep };
  };
  const frozen = costs.flatMap(({ parts }) => parts).find(({ isFrozen }) => isFrozen);
  return {
    autoencoder: of('train-autoencoder'),
    model: of('train-lm'),
    encoderFlops: frozen?.trainingFlops ?? 0,
  };
}
