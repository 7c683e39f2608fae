/**
 * The optimisers that a training stage can use, by name. Loads no tensor library, so configurations can be
 * checked against it; an optimiser's mathematics comes when it is used. A plugin's module adds one with
 * `registerOptimizer`.
 */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { optimizerDuplicate, optimizerProblem, optimizerUnknown, suggest } from '../../errors.ts';
import { noteEntry } from '../../plugin-entries.ts';
import { adamWOptions } from './adamw-options.ts';
import { muonOptions } from './muon-options.ts';
import type { Optimizer } from './optimizer.ts';

export interface OptimizerEntry<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** `optimizer.name` in configurations. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Its options with their defaults: any Standard Schema of a record. */
  readonly options: Schema;
  /** Brings a function from options to the optimiser. */
  readonly load: () => Promise<(options: StandardSchemaV1.InferOutput<Schema>) => Optimizer>;
}

// biome-ignore lint/suspicious/noExplicitAny: a schema of any options; `unknown` would refuse what wants its own.
type AnyEntry = OptimizerEntry<any>;

/** An optimiser's name with its options, checked and complete. */
export type OptimizerChoice = { readonly name: string } & Readonly<Record<string, unknown>>;

export const DEFAULT_OPTIMIZER = 'adamw';

const entries = new Map<string, AnyEntry>();

/** Adds an optimiser. A name that is taken is an error, unless the same entry comes again. */
export function registerOptimizer<Schema extends StandardSchemaV1>(entry: OptimizerEntry<Schema>): void {
  const taken = entries.get(entry.name);
  if (taken === entry) return;
  if (taken) throw optimizerDuplicate(entry.name);
  noteEntry(entry);
  entries.set(entry.name, entry);
}

registerOptimizer({
  name: DEFAULT_OPTIMIZER,
  summary: 'Adam with decoupled weight decay (Loshchilov & Hutter 2019), in one pass over memory.',
  options: adamWOptions,
  load: async () => (await import('./adamw.ts')).adamW,
});

registerOptimizer({
  name: 'muon',
  summary: 'Polar factors of momenta for matrices (Jordan et al. 2024), AdamW for the rest.',
  options: muonOptions,
  load: async () => (await import('./muon.ts')).muon,
});

export function optimizerNames(): string[] {
  return [...entries.keys()];
}

/** An optimiser by its name. An unknown name is an error that lists those there are. */
export function optimizerEntry(name: string): AnyEntry {
  const entry = entries.get(name);
  if (!entry) throw optimizerUnknown(name, optimizerNames());
  return entry;
}

/** Loads an optimiser's mathematics. */
export async function loadOptimizer({ name, ...options }: OptimizerChoice): Promise<Optimizer> {
  return (await optimizerEntry(name).load())(options);
}

export type OptimizerResult =
  | { readonly value: OptimizerChoice; readonly issues?: undefined }
  | { readonly issues: readonly OptimizerIssue[] };

export interface OptimizerIssue {
  readonly message: string;
  /** Below `optimizer`. */
  readonly path: readonly PropertyKey[];
}

/** Checks `name`, or `{ name, …options }` where the name may be left out, and fills in what is not given. */
export function readOptimizer(given: unknown): OptimizerResult | Promise<OptimizerResult> {
  const { name = DEFAULT_OPTIMIZER, ...options } = asRecord(given) ?? { name: given };
  const entry = typeof name === 'string' ? entries.get(name) : undefined;
  if (!entry) return refused(asRecord(given) ? ['name'] : [], nameProblem(given, name));
  const result = entry.options['~standard'].validate(options);
  return result instanceof Promise ? result.then((settled) => chosen(entry, settled)) : chosen(entry, result);
}

function chosen(entry: AnyEntry, { issues, ...result }: StandardSchemaV1.Result<unknown>): OptimizerResult {
  if (!issues) return { value: { name: entry.name, ...(result as { value: object }).value } };
  const known = Object.keys(optionsSchema(entry).properties ?? {});
  return { issues: issues.map((issue) => plainIssue(issue, entry.name, known)) };
}

function asRecord(given: unknown): Record<string, unknown> | undefined {
  const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given);
  return isRecord ? (given as Record<string, unknown>) : undefined;
}

function refused(path: string[], message: string): OptimizerResult {
  return { issues: [{ message, path }] };
}

function nameProblem(given: unknown, name: unknown): string {
  if (typeof name === 'string') return optimizerProblem(name, optimizerNames());
  const names = optimizerNames().join(', ');
  return asRecord(given)
    ? `must be a name: ${names}`
    : `must be a name (${names}), or { name: …, and its options }`;
}

/** An issue with the options' names in it where the schema's own words only know that a key is unknown. */
function plainIssue(
  issue: StandardSchemaV1.Issue & { readonly code?: string; readonly keys?: readonly string[] },
  name: string,
  known: readonly string[],
): OptimizerIssue {
  const path = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
  const [key] = issue.code === 'unrecognized_keys' ? (issue.keys ?? []) : [];
  if (key === undefined || path.length > 0) return { message: issue.message, path };
  return { message: `${name} has no option "${key}". ${suggest(key, known)}`, path: [key] };
}

interface RecordSchema {
  readonly properties?: Record<string, unknown>;
}

function optionsSchema(entry: AnyEntry): RecordSchema {
  const standard = entry.options['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  const { $schema: _, ...schema } = standard.jsonSchema?.input({ target: 'draft-2020-12' }) ?? {};
  return schema;
}

/**
 * JSON Schema of what `readOptimizer` takes, with the options of all optimisers that are registered by now.
 */
export function optimizerSchemas(): Record<string, unknown>[] {
  const withOptions = [...entries.values()].map((entry) => {
    const schema = optionsSchema(entry);
    const isDefault = entry.name === DEFAULT_OPTIMIZER;
    const name = { const: entry.name, description: entry.summary };
    return {
      ...schema,
      type: 'object',
      properties: { name, ...schema.properties },
      ...(isDefault ? {} : { required: ['name'] }),
    };
  });
  return [{ type: 'string', description: 'Its name alone: options are the defaults.' }, ...withOptions];
}
