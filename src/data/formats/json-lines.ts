/** JSON lines: an object a line, of which one field is the document. */

import { messageOf } from '../../errors.ts';
import { type Cut, cutChunks } from './cut-chunks.ts';
import { type Found, Gathered } from './fields.ts';
import { FileBytes } from './file-bytes.ts';
import type { CorpusFile, CorpusFormat, FieldLength, FileHead, FormatProblem } from './format.ts';
import { documentIn, isRecord, textFieldsIn } from './json-records.ts';
import { CHUNK_BYTES, LONGEST_RECORD, linesOf, NEWLINE, quoted } from './text-policy.ts';

export const jsonLines: CorpusFormat = {
  name: 'json-lines',
  summary: 'JSON lines; `textField` says which field holds the text.',
  unit: 'line',
  isText: true,
  recognises: (head) =>
    ENDINGS.has(head.ending) ? (oneObjectProblem(head) ?? true) : UNTOLD.has(head.ending) && isObjects(head),
  read: (file, from) => cutChunks(file, from, cut, NEWLINE),
  hasFields: true,
  parse: (bytes, { file, begin }) => {
    const { lines, bad } = linesOf(bytes, begin);
    const gathered = new Gathered(bad);
    for (const [i, line] of lines.entries())
      if (line !== undefined && /\S/.test(line)) gathered.add(i + 1, foundIn(line, file));
    return gathered.chunk(lines.length - 1);
  },
  role: ({ textField }) => `json-line ${textField}`,
  textFields,
};

const ENDINGS = new Set(['jsonl', 'ndjson', 'json']);

const TOO_LONG = `is longer than ${LONGEST_RECORD / 2 ** 20} MiB, the most that is read of a line of JSON`;

/** After the last line that ends in a chunk; of a longer line, after its end. */
async function cut(held: FileBytes): Promise<Cut> {
  for (let size = CHUNK_BYTES; size <= LONGEST_RECORD; size *= 2) {
    await held.fill(size);
    const [bytes, isShort] = [held.view(size), size === CHUNK_BYTES];
    const end = (isShort ? bytes.lastIndexOf(NEWLINE) : bytes.indexOf(NEWLINE)) + 1;
    if (held.isAll(size) && (isShort || end === 0)) return { length: held.length, isInside: false };
    if (end > 0) return { length: end, isInside: false };
  }
  return { length: 0, isInside: false, problem: TOO_LONG };
}

/** Endings that tell nothing of what a text is. */
const UNTOLD: ReadonlySet<string> = new Set(['', 'txt']);

/** Whether a text begins with lines that are objects of JSON. */
function isObjects({ bytes, isWhole }: FileHead): boolean {
  const lines = textOfHead(bytes).trimEnd().split('\n');
  const whole = (isWhole ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== '');
  return whole.length > 0 && whole.every((line) => isRecord(parsed(line)));
}

/** The document of a line, or why there is none. */
function foundIn(line: string, file: CorpusFile): Found {
  try {
    return documentIn(JSON.parse(line), file);
  } catch (error) {
    return { problem: `is not valid JSON (${messageOf(error)})` };
  }
}

/** So much of the beginning of a file is looked at for fields. */
const SAMPLED_BYTES = 2 ** 16;

async function textFields(file: Pick<CorpusFile, 'path' | 'compression'>): Promise<FieldLength[]> {
  const bytes = new FileBytes(file);
  try {
    await bytes.fill(SAMPLED_BYTES);
    const lines = new TextDecoder().decode(bytes.view(SAMPLED_BYTES)).split('\n');
    return lines.flatMap((line) => textFieldsIn(parsed(line)));
  } finally {
    bytes.close();
  }
}

/** Whether a file of JSON is one array and not lines, each of which may be an array. */
export function isJsonArray({ ending, bytes }: FileHead): boolean {
  const [first = '', ...more] = textOfHead(bytes).split('\n');
  const isLines = parsed(first) !== undefined && more.some((line) => line.trim() !== '');
  return ENDINGS.has(ending) && beginsArray(bytes) && !isLines;
}

export const beginsArray = (bytes: Uint8Array) => textOfHead(bytes).startsWith('[');

/** A file of JSON that is one object and not lines. */
function oneObjectProblem({ name, bytes, isWhole }: FileHead): FormatProblem | undefined {
  const text = textOfHead(bytes);
  const [first = '', ...more] = text.split('\n');
  // Not an object followed by a comma, which is a line that is said to be wrong when it is read.
  const isOpen = /[{[,]\s*$/.test(first) && parsed(first.replace(/,\s*$/, '')) === undefined;
  const isSpread =
    text.startsWith('{') &&
    more.length > 0 &&
    parsed(first) === undefined &&
    (isOpen || (isWhole && parsed(text) !== undefined));
  return isSpread
    ? {
        problem: 'is one JSON object over several lines and not JSON lines',
        advice: `Convert it: jq -c '.' ${quoted(name)} > corpus.jsonl`,
      }
    : undefined;
}

const textOfHead = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimStart();

/** The value of a text of JSON; undefined where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
