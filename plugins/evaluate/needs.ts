/** Which measures are taken: those that are asked for, or all standard ones that the model allows. */

import { measureImpossible, measureOption, nothingToCompareWith, nothingToEvaluate } from 'calm-lm/errors';
import { type AnyMeasure, allMeasures, type Need } from 'calm-lm/evaluation/measures';
import type { Config } from './config.ts';

/** What there is to evaluate. */
export interface Given {
  /** Whether the model is a Transformer; undefined where there is no model. */
  readonly isTransformer: boolean | undefined;
  readonly hasAutoencoder: boolean;
}

/** Why a need is not met, in words that follow the measure's name; undefined where it is. */
function lackOf(need: Need, { isTransformer, hasAutoencoder }: Given): string | undefined {
  if (need === 'autoencoder') return hasAutoencoder ? undefined : 'needs an autoencoder, and there is none';
  if (need === 'training text') return undefined;
  if (isTransformer === undefined) return 'needs a language model, and there is none';
  if (need === 'likelihood' && !isTransformer)
    return 'is for a model with probabilities of tokens, and a CALM gives no likelihoods';
  if (need === 'samples' && isTransformer)
    return 'is for a CALM, which gives samples alone; a Transformer knows its distribution';
  if (need === 'latents' && isTransformer) return 'needs latent vectors, and a Transformer has none';
  return undefined;
}

const lackIn = ({ needs }: AnyMeasure, given: Given) =>
  needs.map((need: Need) => lackOf(need, given)).find((lack: string | undefined) => lack !== undefined);

/** Those that are named; or all standard ones, and those for which options ask. */
export function wantedMeasures(config: Config): AnyMeasure[] {
  const isAsked = ({ isStandard, askedBy }: AnyMeasure) =>
    isStandard || (askedBy !== undefined && config[askedBy] !== undefined);
  return allMeasures().filter((measure) => config.measures?.includes(measure.name) ?? isAsked(measure));
}

export function chooseMeasures(config: Config, given: Given): AnyMeasure[] {
  const { measures: asked } = config;
  const wanted = wantedMeasures(config);
  if (!asked && given.isTransformer === undefined && !given.hasAutoencoder) throw nothingToEvaluate();
  for (const measure of asked ? wanted : []) {
    const lack = lackIn(measure, given);
    if (lack) throw measureImpossible(measure.name, lack);
  }
  refuseOptions(config, given);
  return wanted.filter((measure) => lackIn(measure, given) === undefined);
}

/** Options that were given and are of no use to the model. */
function refuseOptions(config: Config, given: Given): void {
  if (given.isTransformer === undefined) return;
  for (const { optionNeeds } of allMeasures())
    for (const [option, need] of Object.entries(optionNeeds ?? {})) {
      const lack = config[option] === undefined ? undefined : lackOf(need as Need, given);
      if (lack) throw measureOption(option, lack);
    }
}

/**
 * Some measures compare with what the training split's tokens alone can do.
 * @param least tokens that are needed
 */
export function checkTrainingText(chosen: readonly AnyMeasure[], found: number, least: number): void {
  const compared = chosen.filter(({ needs }) => needs.includes('training text')).map(({ name }) => name);
  if (compared.length > 0 && found < least) throw nothingToCompareWith(compared, found, least);
}
