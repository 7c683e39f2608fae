/** Pure functions of tensors: arguments untouched, one result, nothing leaked inside a tidy. */

export { gatedSilu, silu } from './activations.ts';
export { attend, causalMask, type RotaryTable, repeatHeads, rotaryTable, rotate } from './attention.ts';
export { linearArgMax, linearCrossEntropy } from './cross-entropy.ts';
export { type EnergyParts, energyLoss, energyParts } from './energy-score.ts';
export { clippedKl, gaussianKl } from './gaussian-kl.ts';
export { embed, linear } from './linear.ts';
export { layerNorm, rmsNorm } from './normalization.ts';
