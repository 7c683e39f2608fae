/** Names of what training a language model measures; loads no tensor library. */

import { BRIER_FACTORS, BRIER_LM, CROSS_ENTROPY } from 'calm-lm/evaluation/measures';
import { headEntries, headEntry, type ValueLabels } from 'calm-lm/models/config';
import { heldOutLabels, LOSS, STEP_LABELS } from '../training/labels.ts';
import type { Config } from './config.ts';

/** On held-out text: the loss of the head, and what it logs beside it. */
export function calmLabels(head: string): ValueLabels {
  return heldOutLabels({ loss: LOSS, ...headEntry(head).values });
}

/** On held-out text: the cross-entropy, BrierLM and its factors. */
export const TRANSFORMER_LABELS = heldOutLabels({
  loss: { ...LOSS, better: CROSS_ENTROPY.better },
  brierLM: { ...BRIER_LM, isCurve: true },
  ...Object.fromEntries(BRIER_FACTORS.map(({ label, better }, n) => [`brier${n + 1}`, { label, better }])),
});

/** What one model has: losses of different heads are different measures. */
export function labelsOf(config: Config): ValueLabels {
  const isTransformer = config.model === 'transformer';
  const own = isTransformer
    ? TRANSFORMER_LABELS
    : { ...headEntry(config.head.name).values, ...calmLabels(config.head.name) };
  const loss = isTransformer ? CROSS_ENTROPY.label : `${config.head.name} loss`;
  const { validationLoss } = own;
  return {
    ...STEP_LABELS,
    ...own,
    loss: { ...LOSS, label: loss },
    validationLoss: { ...validationLoss, label: `${loss}, held-out text` },
  };
}

/** All that either model has, with any head. */
export function allLabels(): ValueLabels {
  const heads = headEntries().map(({ name, values }) => ({ ...values, ...calmLabels(name) }));
  return Object.assign({}, STEP_LABELS, ...heads, TRANSFORMER_LABELS);
}
