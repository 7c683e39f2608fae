/** How long the sequences are that are scored. Loads no tensor library. */

/** Patches that a sequence must have, so that a window of four tokens follows its first patch. */
export const LEAST_PATCHES = 6;

/** What is scored of a sequence where nothing is said: as much as fits both kinds of models. */
const [STANDARD_PATCHES, STANDARD_TOKENS] = [64, 256];

export function standardPatches(hasLikelihood: boolean): number {
  return hasLikelihood ? STANDARD_TOKENS : STANDARD_PATCHES;
}
