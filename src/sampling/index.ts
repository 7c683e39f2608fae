/** Drawing text: generation patch by patch or token by token, and temperature from samples alone. */

export { choosePatches } from './candidates.ts';
export * from './choosing.ts';
export * from './generate.ts';
export * from './generate-tokens.ts';
export * from './temperature.ts';
export { reweigh, type TokenChoice } from './token-choice.ts';
