/** The text in a record of JSON, whatever it stands in. */

import type { BadRecord, FieldLength } from './format.ts';

/** A record's text, or why there is none. */
export function textIn(record: unknown, textField: string): string | Omit<BadRecord, 'number'> {
  const found = isRecord(record) ? record : undefined;
  const value: unknown = found && Object.getOwnPropertyDescriptor(found, textField)?.value;
  if (typeof value === 'string') return value;
  const instead = `${fieldsOf(found, textField)} (\`textField\` says which field is read)`;
  return { problem: `has no text in a field "${textField}"; ${instead}` };
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
