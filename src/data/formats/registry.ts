/**
 * The formats of corpus files, by name. A further built-in one is a file beside this one and a line of the
 * table; a plugin's module adds one with `registerCorpusFormat`.
 */

import { corpusFormatDuplicate, corpusFormatInvalid, corpusFormatUnknown } from '../../errors.ts';
import { noteEntry } from '../../plugin-entries.ts';
import { csv } from './csv.ts';
import type { CorpusFormat } from './format.ts';
import { jsonArray } from './json-array.ts';
import { jsonLines } from './json-lines.ts';
import { parquet } from './parquet.ts';
import { text } from './text.ts';

/** In the order in which they are asked whether a file is theirs; text takes whatever is left. */
const BUILT_IN: readonly CorpusFormat[] = [parquet, jsonArray, jsonLines, csv, text];

const builtIn = new Map(BUILT_IN.map((format) => [format.name, format]));
const registered = new Map<string, CorpusFormat>();

/** Adds a format. A name that is taken is an error, unless the same format comes again. */
export function registerCorpusFormat(format: CorpusFormat): void {
  const problem = problemOf(format);
  if (problem) throw corpusFormatInvalid(String(format?.name), problem);
  const taken = builtIn.get(format.name) ?? registered.get(format.name);
  if (taken === format) return;
  if (taken) throw corpusFormatDuplicate(format.name);
  noteEntry(format);
  registered.set(format.name, format);
}

function problemOf(format: Partial<CorpusFormat> | undefined): string | undefined {
  if (typeof format?.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(format.name))
    return 'its name must be kebab-case';
  if (typeof format.recognises !== 'function') return 'it has no recognises()';
  if (typeof format.read !== 'function') return 'it has no read()';
  if (format.options && !('~standard' in format.options)) return 'its options are not a Standard Schema';
  return undefined;
}

/** All formats in the order in which they are asked: those of plugins first. */
export function corpusFormats(): CorpusFormat[] {
  return [...registered.values(), ...builtIn.values()];
}

/** A format by its name. An unknown name is an error that lists those there are. */
export function corpusFormat(name: string): CorpusFormat {
  const format = builtIn.get(name) ?? registered.get(name);
  if (!format) throw corpusFormatUnknown(name, [...builtIn.keys(), ...registered.keys()]);
  return format;
}

/** Whether a format is there in every thread, as those of plugins are not. */
export function isBuiltInFormat(name: string): boolean {
  return builtIn.has(name);
}
