/**
 * The measures of `evaluate`, by name, in the order in which they are taken. A module of `plugins:` adds one
 * with
 * `registerMeasure`, as the built-in ones are added.
 */

import type { z } from 'zod';
import { measureInvalid, measureTaken } from '../../errors.ts';
import { noteEntry } from '../../plugin-entries.ts';
import type { AnyMeasure, Measure } from './measure.ts';

const measures = new Map<string, AnyMeasure>();

/** Fields of `evaluate` that are no measure's, and words of the pipeline. */
const RESERVED = ['measures', 'uses', 'inputs', 'numSequences', 'sequencesPerBatch', 'headSampling'];

/** Adds a measure. A name or an option that is taken is an error, unless the same measure comes again. */
export function registerMeasure<Shape extends z.ZodRawShape>(measure: Measure<Shape>): void {
  if (measures.get(measure.name) === measure) return;
  const problem = problemOf(measure);
  if (problem) throw measureInvalid(String(measure?.name), problem);
  if (measures.has(measure.name)) throw measureTaken(measure.name);
  noteEntry(measure);
  measures.set(measure.name, measure);
}

function problemOf({ name, needs, options, values, load }: AnyMeasure): string | undefined {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) return 'its name must be kebab-case';
  if (typeof load !== 'function') return 'it has no load()';
  if (!Array.isArray(needs) || !Array.isArray(values) || typeof options !== 'object')
    return 'needs, values or options are missing ([] and {} say "none")';
  const taken = Object.keys(options).find((option) => {
    const others = [...measures.values()].flatMap((other) => other.options[option] ?? []);
    return RESERVED.includes(option) || others.some((other) => other !== options[option]);
  });
  return taken && `its option "${taken}" is another one's already`;
}

export function allMeasures(): AnyMeasure[] {
  return [...measures.values()];
}

export function measureNames(): string[] {
  return [...measures.keys()];
}
