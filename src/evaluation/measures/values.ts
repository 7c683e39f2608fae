/**
 * What evaluation finds, by name: stated once for measures and for training, which goes by the same values on
 * held-out text. Loads no tensor library.
 */

import type { ValueLabel, ValueLabels } from '../../models/value-labels.ts';
import type { MeasureValue } from './measure.ts';

/** Of measureReconstruction. */
export const RECONSTRUCTION = {
  tokenAccuracy: {
    label: 'reconstruction accuracy',
    better: 'higher',
    isHeadline: true,
    isShare: true,
    // The paper's autoencoders reach more (§2).
    references: [
      { label: 'paper', value: 0.999, advice: 'train the autoencoder longer, or raise latentSize' },
    ],
  },
  patchAccuracy: { label: 'reconstruction accuracy, whole patches', better: 'higher', isShare: true },
  sampledTokenAccuracy: {
    label: 'reconstruction accuracy, sampled latent',
    better: 'higher',
    isShare: true,
  },
  meanStd: { label: 'mean σ' },
} as const satisfies ValueLabels;

export const CROSS_ENTROPY = {
  label: 'cross-entropy, nats a token',
  better: 'lower',
} as const satisfies ValueLabel;

export const BRIER_LM = { label: 'BrierLM', better: 'higher' } as const satisfies ValueLabel;

/** Brier-1 … Brier-4, in this order. */
export const BRIER_FACTORS = ['1 token', '2 tokens', '3 tokens', '4 tokens'].map((part, i) => ({
  part,
  label: `Brier-${i + 1}`,
  better: 'higher' as const,
}));

/**
 * The values of a BrierScore.
 * @param path of the score in the results
 * @param of whose it is, where that is not the model
 */
export function brierValues(path: string, of?: string, more: Partial<ValueLabel> = {}): MeasureValue[] {
  const whose = of ? `, ${of}` : '';
  const parts = BRIER_FACTORS.map(({ part }) => part);
  return [
    { path: `${path}.brierLM`, ...BRIER_LM, label: `${BRIER_LM.label}${whose}`, ...more },
    {
      path: `${path}.brier`,
      label: `Brier-1 … ${parts.length}${whose}`,
      better: 'higher',
      drawn: {
        title: 'factors of BrierLM',
        kind: 'bar',
        x: 'length',
        y: 'Brier score',
        parts,
        of: of ?? 'model',
      },
    },
  ];
}

/** Values by their paths below one. */
export function valuesBelow(path: string, values: ValueLabels): MeasureValue[] {
  return Object.entries(values).map(([name, label]) => ({ path: `${path}.${name}`, ...label }));
}

/** Labels of a stage's results from the values in them. */
export function labelsOf(values: readonly MeasureValue[]): ValueLabels {
  return Object.fromEntries(values.map(({ path, ...label }) => [path, label]));
}
