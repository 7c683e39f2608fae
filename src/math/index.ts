/** Pure functions of tensors: arguments untouched, one result, nothing leaked inside a tidy. */

export { detach, gatedSilu, silu } from './activations.ts';
export { attend, causalMask, type RotaryTable, repeatHeads, rotaryTable, rotate } from './attention.ts';
export { linearArgMax, linearCrossEntropy } from './cross-entropy.ts';
export {
  binnedLogLikelihood,
  cosineBetas,
  type DiffusionSchedule,
  normalKl,
  posteriorMean,
  type Reverse,
  respace,
  reverseStep,
  type StepNumbers,
  scheduleOf,
} from './diffusion.ts';
export { type EnergyParts, energyLoss, energyParts } from './energy-score.ts';
export { clippedKl, gaussianKl } from './gaussian-kl.ts';
export { embed, linear } from './linear.ts';
export { layerNorm, rmsNorm, standardize } from './normalization.ts';
export { POLYNOMIALS, type PolynomialName, polarFactor, polarFactorFlops } from './polar-factor.ts';
