/** Names of the numbers that measures find, and which way each is better. Training goes by the same. */

import type { MeasureValue } from './measure.ts';

export const TOKEN_ACCURACY = {
  path: 'reconstruction.tokenAccuracy',
  label: 'reconstruction accuracy',
  better: 'higher',
  isHeadline: true,
} as const satisfies MeasureValue;

export const CROSS_ENTROPY = {
  path: 'perplexity.crossEntropy',
  label: 'cross-entropy, nats a token',
  better: 'lower',
} as const satisfies MeasureValue;

export const BRIER_LM = {
  path: 'brierlm.brierLM',
  label: 'BrierLM',
  better: 'higher',
  isHeadline: true,
} as const satisfies MeasureValue;

export const BRIER_FACTORS = {
  path: 'brierlm.brier',
  label: 'Brier-1 … 4',
  better: 'higher',
} as const satisfies MeasureValue;
