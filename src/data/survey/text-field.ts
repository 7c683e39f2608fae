/** Which field of JSON lines holds the text, where nobody has said it. */

import { FileBytes } from '../formats/file-bytes.ts';
import type { CorpusFile } from '../formats/format.ts';

/** As `tokenize` has it. */
const USUAL = 'text';
/** So much of the beginning of a file is looked at. */
const BYTES = 2 ** 16;

/** `text` where lines have it; otherwise the field whose strings are the longest. */
export async function textFieldOf(file: Pick<CorpusFile, 'path' | 'compression'>): Promise<string> {
  const bytes = new FileBytes(file);
  try {
    await bytes.fill(BYTES);
    const lines = new TextDecoder().decode(bytes.view(BYTES)).split('\n');
    return longestField(lines.flatMap(stringsOf));
  } finally {
    bytes.close();
  }
}

/** The fields of a line that are strings, with their lengths. */
function stringsOf(line: string): (readonly [string, number])[] {
  try {
    return Object.entries(JSON.parse(line) as object).flatMap(([field, value]) =>
      typeof value === 'string' ? [[field, value.length] as const] : [],
    );
  } catch {
    return [];
  }
}

function longestField(strings: readonly (readonly [string, number])[]): string {
  const lengths = new Map<string, number>();
  for (const [field, length] of strings) lengths.set(field, (lengths.get(field) ?? 0) + length);
  if (lengths.has(USUAL)) return USUAL;
  return [...lengths].sort((a, b) => b[1] - a[1])[0]?.[0] ?? USUAL;
}
