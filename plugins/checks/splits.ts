/** Whether a corpus gives what stages are going to need, as far as that is known before they run. */

import { notEnoughTokens } from 'calm-lm/errors';
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

/**
 * Tokens of a split: as counted, or none where the configuration says so; undefined where that is not known.
 */
function tokensIn({ config, metrics }: InputFacts, split: 'train' | 'validation'): number | undefined {
  const counted = metrics?.[`${split}Tokens`];
  if (typeof counted === 'number') return counted;
  return config.validationFraction === (split === 'train' ? 1 : 0) ? 0 : undefined;
}
