/** npm run docs: writes each stage's table of keys into its README, between the markers. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import plugin from '#plugins';
import { type FieldSchema, fieldsOf } from '../../src/pipeline/index.ts';
import { ROOT } from './cli.ts';

const MARKERS = /<!-- keys -->[\s\S]*<!-- \/keys -->/;

export function readmeOf(stage: string): string {
  return join(ROOT, 'plugins', stage, 'README.md');
}

/** The README with its table made anew from the schema. */
export function withKeys(stage: (typeof plugin.stages)[number]): string {
  const rows = Object.entries(fieldsOf(stage)).flatMap(([key, schema]) => [
    rowOf(`\`${key}\``, schema),
    ...rowsOfVariants(key, schema.anyOf ?? []),
  ]);
  const table = ['| key | type | default | |', '|---|---|---|---|', ...rows].join('\n');
  return readFileSync(readmeOf(stage.name), 'utf8').replace(
    MARKERS,
    `<!-- keys -->\n\n${table}\n\n<!-- /keys -->`,
  );
}

const rowOf = (key: string, schema: FieldSchema) =>
  `| ${key} | ${typeOf(schema)} | ${defaultOf(schema)} | ${schema.description} |`;

/** Rows for the keys of a field that takes one of several maps, each named by its title. */
function rowsOfVariants(
  field: string,
  variants: readonly (FieldSchema & { title?: string; properties?: Record<string, FieldSchema> })[],
): string[] {
  return variants.flatMap(({ title, properties = {} }) =>
    Object.entries(properties)
      .filter(([key, schema]) => key !== 'name' && schema.description)
      .map(([key, schema]) => rowOf(`\`${field}.${key}\`${title ? ` (${title})` : ''}`, schema)),
  );
}

function typeOf(schema: FieldSchema): string {
  if (schema.anyOf?.some(({ type }) => type === 'object')) return 'string or map';
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' ');
  return schema.type ?? (schema.anyOf ? 'string or list' : '');
}

function defaultOf({ default: value }: FieldSchema): string {
  if (value === undefined) return '';
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return '';
  return value === '' ? 'empty' : `\`${Array.isArray(value) ? value.join(', ') : String(value)}\``;
}

if (import.meta.filename === process.argv[1])
  for (const stage of plugin.stages) writeFileSync(readmeOf(stage.name), withKeys(stage));
