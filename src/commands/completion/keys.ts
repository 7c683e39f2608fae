/** Keys of a configuration and their values, from the schema that editors use. */

import { readFileSync } from 'node:fs';
import type { Candidate } from './candidate.ts';

interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly deprecated?: boolean;
}

/**
 * `train-lm.st` → `train-lm.steps=`; `train-lm.schedule=` → its values.
 * @param ids stages of the configuration at hand → the stages that they use
 */
export function keyCandidates(
  current: string,
  schemaFile: string,
  ids: Readonly<Record<string, string>>,
): Candidate[] {
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as Schema;
  const { stages, ...top } = schema.properties ?? {};
  const known = stages?.properties ?? {};
  const used = Object.keys(ids).length ? ids : Object.fromEntries(Object.keys(known).map((id) => [id, id]));
  const ofStages = Object.entries(used).map(([id, uses]) => [id, known[uses] ?? {}] as const);
  const root: Schema = { properties: { ...top, ...Object.fromEntries(ofStages) } };
  const [path, isValue] = current.includes('=')
    ? [current.slice(0, current.indexOf('=')), true]
    : [current, false];
  const parts = path.split('.');
  const parents = isValue ? parts : parts.slice(0, -1);
  const at = parents.reduce<Schema | undefined>((found, key) => found && propertiesOf(found)[key], root);
  if (!at) return [];
  if (isValue) return valuesOf(at).map((value) => ({ value: `${path}=${value}` }));
  const before = parents.map((key) => `${key}.`).join('');
  return Object.entries(propertiesOf(at)).flatMap(([key, inner]) => nextKey(before, key, inner));
}

/** A key whose value can be written, one that leads further, or both. */
function nextKey(before: string, key: string, schema: Schema): Candidate[] {
  if (schema.deprecated) return [];
  const { description: summary } = schema;
  const leadsOn = Object.keys(propertiesOf(schema)).length > 0;
  const isStage = before === '' && leadsOn && schema.type !== undefined && typesOf(schema).includes('object');
  return [
    ...(isStage ? [] : [{ value: `${before}${key}=`, summary }]),
    ...(leadsOn ? [{ value: `${before}${key}.`, summary }] : []),
  ];
}

function propertiesOf({ properties, anyOf = [] }: Schema): Record<string, Schema> {
  return Object.assign({}, ...anyOf.map(propertiesOf), properties);
}

function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat();
}

function valuesOf(schema: Schema): string[] {
  const own = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  const flags = typesOf(schema).includes('boolean') ? [true, false] : [];
  return [...[...own, ...flags].map(String), ...(schema.anyOf ?? []).flatMap(valuesOf)];
}
