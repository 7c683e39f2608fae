/** Names of what training a language model measures; loads no tensor library. */

import { BRIER_FACTORS, BRIER_LM, CROSS_ENTROPY } from 'calm-lm/evaluation/measures';
import { headEntries, headEntry, type ValueLabels } from 'calm-lm/models/config';
import { heldOutLabels, LOSS, STEP_LABELS } from '../training/labels.ts';

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

/** All that either model has, with any head. */
export function allLabels(): ValueLabels {
  const heads = headEntries().map(({ name, values }) => ({ ...values, ...calmLabels(name) }));
  return Object.assign({}, STEP_LABELS, ...heads, TRANSFORMER_LABELS);
}
