/** Adding a head, for modules of third parties: what it says of itself is checked first. */

import { headInvalid } from '../../errors.ts';
import { BACKBONE_KEYS } from './config.ts';
import type { HeadEntry } from './heads/head.ts';
import { addHead } from './heads/registry.ts';

/** Adds a head. A name that is taken is an error, unless the same entry comes again. */
export function registerHead(entry: HeadEntry): void {
  const problem = problemOf(entry);
  if (problem) throw headInvalid(String(entry?.name), problem);
  addHead(entry);
}

/** Why a value is no head; undefined where it is one. */
function problemOf(entry: Partial<HeadEntry> | undefined): string | undefined {
  if (!/^[a-z][a-z0-9-]*$/.test(entry?.name ?? '')) return 'its name must be kebab-case';
  if (typeof entry?.load !== 'function') return 'it has no load()';
  for (const kind of ['options', 'sampling'] as const)
    if (typeof entry[kind]?.safeParse !== 'function' || !entry[kind].shape)
      return `its ${kind} must be a zod object; z.object({}) says "none"`;
  return Object.keys(entry.options?.shape ?? {})
    .map((option) => problemOfOption(option, entry.savedAs?.[option] ?? option))
    .find((problem) => problem !== undefined);
}

/** @param key of config.json, in camelCase */
function problemOfOption(option: string, key: string): string | undefined {
  if (![option, key].every((name) => /^[a-z][A-Za-z0-9]*$/.test(name)))
    return `its option "${option}" must be camelCase, and so must the key that it is saved as`;
  if (option === 'name') return 'no option may be called "name", which chooses the head';
  return BACKBONE_KEYS.includes(key)
    ? `its option "${option}" would take a key of the model in config.json; give it another by savedAs`
    : undefined;
}
