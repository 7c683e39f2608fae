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
  const rows = Object.entries(fieldsOf(stage))
    .flatMap(withOptions)
    .map(
      ([key, schema]) => `| \`${key}\` | ${typeOf(schema)} | ${defaultOf(schema)} | ${schema.description} |`,
    );
  const table = ['| key | type | default | |', '|---|---|---|---|', ...rows].join('\n');
  return readFileSync(readmeOf(stage.name), 'utf8').replace(
    MARKERS,
    `<!-- keys -->\n\n${table}\n\n<!-- /keys -->`,
  );
}

/** A field, and the options of the record that it may be instead of a name. */
function withOptions([key, schema]: [string, FieldSchema]): [string, FieldSchema][] {
  const record = schema.anyOf?.find(({ properties }) => properties);
  const options = Object.entries(record?.properties ?? {}).filter(([option]) => option !== 'name');
  return [
    [key, schema],
    ...options.map(([option, own]) => [`${key}.${option}`, own] as [string, FieldSchema]),
  ];
}

function typeOf(schema: FieldSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' ');
  const other = schema.anyOf?.some(({ properties }) => properties) ? 'record' : 'list';
  return schema.type ?? (schema.anyOf ? `string or ${other}` : '');
}

function defaultOf({ default: value }: FieldSchema): string {
  if (value === undefined) return '';
  return value === '' ? 'empty' : `\`${Array.isArray(value) ? value.join(', ') : String(value)}\``;
}

if (import.meta.filename === process.argv[1])
  for (const stage of plugin.stages) writeFileSync(readmeOf(stage.name), withKeys(stage));
