/**
 * The generative heads that `train-lm` can train, by name. Loads no tensor library, so configurations can be checked against it; a head's mathematics comes
 * when it is used. A plugin's module adds one with `registerHead`.
 */

import { headDuplicate, headUnknown } from '../../../errors.ts';
import type { Head } from './head.ts';

export interface HeadEntry {
  /** `modelType` in checkpoints, `head` in configurations. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly load: () => Promise<Head>;
}

const BUILT_IN: readonly HeadEntry[] = [
  {
    name: 'energy',
    summary: 'One step from noise to a sample, trained by the energy score (paper §3.2).',
    load: async () => (await import('./energy.ts')).energyHead,
  },
  {
    name: 'diffusion',
    summary: 'Improved DDPM: 1,000 steps in training, respaced when sampling.',
    load: async () => (await import('./diffusion.ts')).diffusionHead,
  },
  {
    name: 'flow',
    summary: 'Flow matching: a velocity field, integrated from noise to a sample.',
    load: async () => (await import('./flow.ts')).flowHead,
  },
];

const entries = new Map(BUILT_IN.map((entry) => [entry.name, entry]));

/** Adds a head. A name that is taken is an error, unless the same entry comes again. */
export function registerHead(entry: HeadEntry): void {
  const taken = entries.get(entry.name);
  if (taken && taken !== entry) throw headDuplicate(entry.name);
  entries.set(entry.name, entry);
}

export function headNames(): string[] {
  return [...entries.keys()];
}

/** Loads a head's mathematics. An unknown name is an error that lists those there are. */
export async function loadHead(name: string): Promise<Head> {
  const entry = entries.get(name);
  if (!entry) throw headUnknown(name, headNames());
  return entry.load();
}
