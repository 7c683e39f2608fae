/**
 * What is said of engines without loading one: their names, what they need, what is installed. Loads no
 * tensor library.
 */

import { engineUnknown } from '../errors.ts';
import type { EngineEntry } from './entry.ts';
import { allEngines, ENGINES } from './registry.ts';

export type EngineName = (typeof ENGINES)[number]['name'];
export type EngineChoice = EngineName | 'auto';

/** In the order in which `auto` tries them. */
export const ENGINE_NAMES: readonly EngineName[] = ENGINES.map(({ name }) => name);
/** What may be chosen. */
export const ENGINE_CHOICES: readonly EngineChoice[] = ['auto', ...ENGINE_NAMES];
/** What `--engine` takes, for help. */
export const ENGINE_FLAG = { description: 'what computes', helpValue: ENGINE_CHOICES.join('|') };

/** The npm package behind each engine. */
export const ENGINE_PACKAGES = byName(({ packageName }) => packageName);
/** The command that gets an engine that is missing. */
export const HOW_TO_GET = byName(({ howToGet }) => howToGet);

/** An engine's entry; an error that lists the choices where there is none. */
export function engineNamed(name: string): EngineEntry {
  const entry = allEngines().find((candidate) => candidate.name === name);
  if (!entry) throw engineUnknown(name, ['auto', ...allEngines().map((known) => known.name)]);
  return entry;
}

/** The version of an engine's package; undefined where it is not installed. */
export function engineVersion(name: EngineName): string | undefined {
  return engineNamed(name).version();
}

function byName(field: (entry: EngineEntry) => string): Readonly<Record<EngineName, string>> {
  return Object.fromEntries(ENGINES.map((entry) => [entry.name, field(entry)])) as Record<EngineName, string>;
}
