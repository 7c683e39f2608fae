/**
 * The generative heads that `train-lm` can train, by name. Loads no tensor library, so configurations can be
 * checked against it; a head's mathematics comes
 * when it is used. A plugin's module adds one with `registerHead`.
 */

import { headDuplicate, headUnknown } from '../../../errors.ts';
import { noteEntry } from '../../../plugin-entries.ts';
import { diffusionDescription } from './diffusion-description.ts';
import { energyDescription } from './energy-description.ts';
import { flowDescription } from './flow-description.ts';
import type { AnyHead, HeadEntry } from './head.ts';

const BUILT_IN: readonly HeadEntry[] = [
  { ...energyDescription, load: async () => (await import('./energy.ts')).energyHead },
  { ...diffusionDescription, load: async () => (await import('./diffusion.ts')).diffusionHead },
  { ...flowDescription, load: async () => (await import('./flow.ts')).flowHead },
];

/** The head that is trained unless another is named. */
export const STANDARD_HEAD = energyDescription.name;

const entries = new Map(BUILT_IN.map((entry) => [entry.name, entry]));

/** Adds a head. A name that is taken is an error, unless the same entry comes again. */
export function addHead(entry: HeadEntry): void {
  const taken = entries.get(entry.name);
  if (taken === entry) return;
  if (taken) throw headDuplicate(entry.name);
  noteEntry(entry);
  entries.set(entry.name, entry);
}

export function headEntries(): HeadEntry[] {
  return [...entries.values()];
}

export function headNames(): string[] {
  return [...entries.keys()];
}

/** What is known of a head. An unknown name is an error that lists those there are. */
export function headEntry(name: string): HeadEntry {
  const entry = entries.get(name);
  if (!entry) throw headUnknown(name, headNames());
  return entry;
}

/** Loads a head's mathematics. An unknown name is an error that lists those there are. */
export async function loadHead(name: string): Promise<AnyHead> {
  return headEntry(name).load();
}
