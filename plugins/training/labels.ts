/** Names of what training measures, and which way each is better: what `bestMetric` and reports go by. */

import type { ValueLabel, ValueLabels } from 'calm-lm/models/config';

export const LOSS = { label: 'loss', better: 'lower', isCurve: true } as const satisfies ValueLabel;

/** What every training logs of its steps. */
export const STEP_LABELS = {
  loss: LOSS,
  gradNorm: { label: 'gradient norm' },
} as const satisfies ValueLabels;

/** loss → validationLoss: the name that a value has on held-out text. */
function heldOutName(name: string): string {
  return `validation${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** Values that were measured on held-out text, by the names that they have then. */
export function heldOutValues(measured: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(measured).map(([name, value]) => [heldOutName(name), value]));
}

/** Their labels. */
export function heldOutLabels(labels: ValueLabels): ValueLabels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [
      heldOutName(name),
      { ...value, label: `${value.label}, held-out text` },
    ]),
  );
}

/** Which way each value is better, of those of which that can be said. */
export function directionsOf(labels: ValueLabels): Record<string, 'higher' | 'lower'> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, { better }]) => (better ? [[name, better]] : [])),
  );
}
