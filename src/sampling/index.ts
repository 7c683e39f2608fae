/** Drawing text: generation patch by patch, temperature from samples alone or from a distribution. */

export { alignPrompt } from '../data/index.ts';
export { choosePatches } from './candidates.ts';
export * from './choosing.ts';
export * from './generate.ts';
export { GrowingText, type TextEnd, type TextLimits } from './growing-text.ts';
export { namedDraws } from './named-draws.ts';
export * from './temperature.ts';
export { type TakeTurn, TextsAtOnce } from './texts-at-once.ts';
export { reweigh, type TokenChoice } from './token-choice.ts';
