/** JSON lines: an object a line, of which one field is the document. */

import { messageOf } from '../../errors.ts';
import { type Cut, cutChunks } from './cut-chunks.ts';
import type { FileBytes } from './file-bytes.ts';
import type { BadRecord, CorpusFormat, FileHead, FormatProblem } from './format.ts';
import { CHUNK_BYTES, linesOf, NEWLINE, quoted } from './text-policy.ts';

export const jsonLines: CorpusFormat = {
  name: 'json-lines',
  summary: 'JSON lines; `textField` says which field holds the text.',
  unit: 'line',
  isText: true,
  recognises: (head) => ENDINGS.has(head.ending) && (oneValueProblem(head) ?? true),
  read: (file, from) => cutChunks(file, from, cut, NEWLINE),
  parse: (bytes, { file: { textField }, begin }) => {
    const { lines, bad } = linesOf(bytes, begin);
    const documents: string[] = [];
    for (const [i, line] of lines.entries()) {
      if (line === undefined || !/\S/.test(line)) continue;
      const found = textOf(line, textField);
      if (typeof found === 'string') documents.push(found);
      else bad.push({ number: i + 1, ...found });
    }
    return { documents, bad, numRecords: lines.length - 1 };
  },
  role: ({ textField }) => `json-line ${textField}`,
};

const ENDINGS = new Set(['jsonl', 'ndjson', 'json']);

/** A longer line of JSON is not read: it must be parsed as one. */
export const LONGEST_JSON_LINE = 64 * CHUNK_BYTES;
const TOO_LONG = `is longer than ${LONGEST_JSON_LINE / 2 ** 20} MiB, the most that is read of a line of JSON`;

/** After the last line that ends in a chunk; of a longer line, after its end. */
async function cut(held: FileBytes): Promise<Cut> {
  for (let size = CHUNK_BYTES; size <= LONGEST_JSON_LINE; size *= 2) {
    await held.fill(size);
    const [bytes, isShort] = [held.view(size), size === CHUNK_BYTES];
    const end = (isShort ? bytes.lastIndexOf(NEWLINE) : bytes.indexOf(NEWLINE)) + 1;
    if (held.isAll(size) && (isShort || end === 0)) return { length: held.length, isInside: false };
    if (end > 0) return { length: end, isInside: false };
  }
  return { length: 0, isInside: false, problem: TOO_LONG };
}

/** The text of a line, or why there is none. */
function textOf(line: string, textField: string): string | Omit<BadRecord, 'number'> {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (error) {
    return { problem: `is not valid JSON (${messageOf(error)})` };
  }
  const found = typeof record === 'object' && record !== null && !Array.isArray(record) ? record : undefined;
  const value: unknown = found && Object.getOwnPropertyDescriptor(found, textField)?.value;
  if (typeof value === 'string') return value;
  const instead = `${fieldsOf(found, textField)} (\`textField\` says which field is read)`;
  return { problem: `has no text in a field "${textField}"; ${instead}` };
}

/** So many fields of a line are named. */
const MOST_FIELDS = 10;

/** What a line has instead of its text. */
function fieldsOf(record: object | undefined, textField: string): string {
  if (!record) return 'it is not an object';
  const names = Object.keys(record);
  if (names.includes(textField)) return 'the field is not a text';
  const named = names.slice(0, MOST_FIELDS).map((name) => JSON.stringify(name.slice(0, 80)));
  return named.length
    ? `its fields are ${named.join(', ')}${names.length > MOST_FIELDS ? ' …' : ''}`
    : 'it has no field';
}

/** A file of JSON that is one value and not lines. */
function oneValueProblem({ name, bytes, isWhole }: FileHead): FormatProblem | undefined {
  const text = new TextDecoder().decode(bytes).trimStart();
  const [first = '', ...more] = text.split('\n');
  const isOneLine = parses(first);
  const convert = (filter: string) => `Convert it: jq -c '${filter}' ${quoted(name)} > corpus.jsonl`;
  if (text.startsWith('[') && !(isOneLine && more.some((line) => line.trim() !== '')))
    return { problem: 'is one JSON array and not JSON lines', advice: convert('.[]') };
  // Not an object followed by a comma, which is a line that is said to be wrong when it is read.
  const isOpen = /[{[,]\s*$/.test(first) && !parses(first.replace(/,\s*$/, ''));
  const isSpread =
    text.startsWith('{') && more.length > 0 && !isOneLine && (isOpen || (isWhole && parses(text)));
  return isSpread
    ? { problem: 'is one JSON object over several lines and not JSON lines', advice: convert('.') }
    : undefined;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
