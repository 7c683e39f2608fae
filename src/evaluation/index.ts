/** Judging models. */

export { type BrierInterval, brierInterval } from './bootstrap.ts';
export * from './brier-lm.ts';
export { EnergyEvaluator, type EnergyMeasure, type EnergySequence } from './energy.ts';
export { measureReconstruction, NOISE_LEVELS, type Reconstruction } from './reconstruction.ts';
export { UnigramCounts } from './unigram.ts';
