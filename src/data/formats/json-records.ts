/** The text in a record of JSON, whatever it stands in. */

import { documentOf, type Found, Lack } from './fields.ts';
import type { CorpusFile, FieldLength } from './format.ts';

/** A record's document, or why there is none. */
export function documentIn(record: unknown, file: Pick<CorpusFile, 'textField' | 'fields'>): Found {
  const found = isRecord(record) ? record : undefined;
  return documentOf(file, (field) => {
    const value: unknown = found && Object.getOwnPropertyDescriptor(found, field)?.value;
    const isThere = typeof value === 'string' || (file.fields && 'messages' in file.fields && value);
    if (isThere) return value;
    const key = file.fields ? `${keyOf(field, file.fields)}Field` : 'textField';
    return new Lack(
      `has no text in a field "${field}"; ${fieldsOf(found, field)} (\`${key}\` says which field is read)`,
    );
  });
}

/** What the configuration calls a field of a document. */
function keyOf(field: string, fields: object): string {
  return Object.entries(fields).find(([, name]) => name === field)?.[0] ?? 'text';
}

/** The fields of a record that are texts, with their lengths. */
export function textFieldsIn(record: unknown): FieldLength[] {
  return Object.entries(isRecord(record) ? record : {}).flatMap(([field, value]) =>
    typeof value === 'string' ? [[field, value.length] as const] : [],
  );
}

export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** So many fields of a record are named. */
const MOST_FIELDS = 10;

/** What a record has instead of its text. */
function fieldsOf(record: object | undefined, textField: string): string {
  if (!record) return 'it is not an object';
  const names = Object.keys(record);
  if (names.includes(textField)) return 'the field is not a text';
  const named = names.slice(0, MOST_FIELDS).map((name) => JSON.stringify(name.slice(0, 80)));
  return named.length
    ? `its fields are ${named.join(', ')}${names.length > MOST_FIELDS ? ' …' : ''}`
    : 'it has no field';
}
