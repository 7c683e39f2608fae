/** Drawing text: generation patch by patch, and temperature from samples alone. */

export { choosePatches } from './candidates.ts';
export * from './generate.ts';
export { binomial, type Candidate, chooseCandidate, powerOf, weighCandidates } from './temperature.ts';
