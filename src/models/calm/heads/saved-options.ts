/** A head's options in config.json: flat beside the model's own keys, under the reference's names. */

import { modelConfigInvalid } from '../../../errors.ts';
import { type ChosenHead, optionsOf } from './choice.ts';
import type { HeadDescription } from './head.ts';
import { headEntries, headEntry } from './registry.ts';

function savedName({ savedAs }: HeadDescription, option: string): string {
  return savedAs?.[option] ?? option;
}

/** The keys of config.json, in camelCase, that some head has. */
export function savedNames(): string[] {
  return headEntries().flatMap((entry) =>
    Object.keys(entry.options.shape).map((option) => savedName(entry, option)),
  );
}

/** The options of a head as config.json has them, in camelCase. */
export function savedOptions({ name, ...options }: ChosenHead): Record<string, unknown> {
  const entry = headEntry(name);
  return Object.fromEntries(
    Object.entries(options).map(([option, value]) => [savedName(entry, option), value]),
  );
}

/** The head of a config.json, whose other keys are passed over. @param file named in errors */
export function readHead(file: string, name: string, stated: Readonly<Record<string, unknown>>): ChosenHead {
  const entry = headEntry(name);
  const given = Object.keys(entry.options.shape)
    .map((option) => [option, stated[savedName(entry, option)]] as const)
    .filter(([, value]) => value !== undefined);
  const result = optionsOf(entry, 'options', Object.fromEntries(given));
  if (result.success) return { name, ...result.options };
  const key = savedName(entry, String(result.path[0]));
  throw modelConfigInvalid(file, key, stated[key], result.message);
}
