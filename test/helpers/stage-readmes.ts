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
  const rows = Object.entries(fieldsOf(stage)).map(
    ([key, schema]) => `| \`${key}\` | ${typeOf(schema)} | ${defaultOf(schema)} | ${schema.description} |`,
  );
  const table = ['| key | type | default | |', '|---|---|---|---|', ...rows].join('\n');
  return readFileSync(readmeOf(stage.name), 'utf8').replace(
    MARKERS,
    `<!-- keys -->\n\n${table}\n\n<!-- /keys -->`,
  );
}

function typeOf(schema: FieldSchema & { anyOf?: unknown }): string {
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' ');
  return schema.type ?? (schema.anyOf ? 'string or list' : '');
}

function defaultOf({ default: value }: FieldSchema): string {
  if (value === undefined) return '';
  return value === '' ? 'empty' : `\`${Array.isArray(value) ? value.join(', ') : String(value)}\``;
}

if (import.meta.filename === process.argv[1])
  for (const stage of plugin.stages) writeFileSync(readmeOf(stage.name), withKeys(stage));
