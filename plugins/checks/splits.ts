/** Whether a corpus gives what stages are going to need, as far as that is known before they run. */

import { notEnoughTokens, pairsNotAligned } from 'calm-lm/errors';
import type { InputFacts } from 'calm-lm/plugin';

/**
 * K, as the stage that makes or takes over an autoencoder states it; undefined where that is not known yet.
 */
export function patchSizeOf(autoencoder: InputFacts | undefined): number | undefined {
  const stated = autoencoder?.config.patchSize ?? autoencoder?.metrics?.patchSize;
  return typeof stated === 'number' ? stated : undefined;
}

/** Refuses a split that is too short. @param needed tokens; undefined where that is not known yet */
export function checkSplit(
  tokens: InputFacts | undefined,
  split: 'train' | 'validation',
  needed: number | undefined,
): void {
  const found = tokens && tokensIn(tokens, split);
  if (found !== undefined && needed !== undefined && found < needed)
    throw notEnoughTokens(split, found, needed);
}

const PAIR_FIELDS = ['promptField', 'completionField', 'messagesField'];

/** Refuses prompts that would end inside a patch. @param patchSize undefined where it is not known yet */
export function checkAligned(tokens: InputFacts | undefined, patchSize: number | undefined): void {
  const { corpus, alignTo = 1 } = tokens?.config ?? {};
  const sources: readonly object[] = Array.isArray(corpus) ? corpus : [];
  const hasPairs = sources.some((source) => PAIR_FIELDS.some((field) => Object.hasOwn(source, field)));
  if (hasPairs && patchSize !== undefined && Number(alignTo) % patchSize !== 0)
    throw pairsNotAligned(Number(alignTo), patchSize);
}

/**
 * Tokens of a split: as counted, or none where the configuration says so; undefined where that is not known.
 */
function tokensIn({ config, metrics }: InputFacts, split: 'train' | 'validation'): number | undefined {
  const counted = metrics?.[`${split}Tokens`];
  if (typeof counted === 'number') return counted;
  return config.validationFraction === (split === 'train' ? 1 : 0) ? 0 : undefined;
}
