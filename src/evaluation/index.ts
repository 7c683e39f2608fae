/** Judging models. */

export * from './brier-lm.ts';
export { type EnergyMeasure, EnergyEvaluator, type EnergySequence } from './energy.ts';
export { measureReconstruction, NOISE_LEVELS, type Reconstruction } from './reconstruction.ts';
export { UnigramCounts } from './unigram.ts';
