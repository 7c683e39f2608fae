/** Drawing text: generation patch by patch, temperature from samples alone or from a distribution. */

export { choosePatches } from './candidates.ts';
export * from './choosing.ts';
export * from './generate.ts';
export * from './temperature.ts';
export { reweigh, type TokenChoice } from './token-choice.ts';
