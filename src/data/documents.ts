/** The documents in a chunk of a corpus. What a line can't give is said of it, and the others are taken. */

import { messageOf } from '../errors.ts';
import { type Chunk, LONGEST_JSON_LINE } from './chunks.ts';
import type { CorpusFile } from './corpus.ts';

/** A line that could not be used, counted from 1 within its chunk. */
export interface BadLine {
  readonly line: number;
  readonly problem: string;
}

export interface ParsedChunk {
  /**
   * Documents in order. The first goes on from the chunk before where that was cut inside, and the last goes on in the next likewise; these two may be blank,
   * the others have text.
   */
  readonly texts: readonly string[];
  readonly numEmpty: number;
  readonly badLines: readonly BadLine[];
  /** Newlines in the chunk. */
  readonly numLines: number;
}

/** What must be known of the file that a chunk is of. */
export type ChunkFile = Pick<CorpusFile, 'documents' | 'textField'>;

/** Reads the documents of a chunk. */
export function parseChunk(chunk: Chunk, { documents, textField }: ChunkFile): ParsedChunk {
  if (chunk.isTooLong) {
    const problem = `is longer than ${LONGEST_JSON_LINE / 2 ** 20} MiB, the most that is read of a line of JSON`;
    return { texts: [], numEmpty: 0, badLines: [{ line: 1, problem }], numLines: 1 };
  }
  const badLines: BadLine[] = [];
  const lines = linesOf(chunk, (line, problem) => badLines.push({ line, problem }));
  const found = PARSERS[documents](
    lines,
    chunk,
    (line, problem) => badLines.push({ line, problem }),
    textField,
  );
  const isOpenEnd = (i: number) =>
    (i === 0 && chunk.begin.isInside) || (i === found.length - 1 && chunk.end.isInside);
  const texts = found.filter((text, i) => isOpenEnd(i) || /\S/.test(text));
  badLines.sort((a, b) => a.line - b.line);
  return { texts, numEmpty: found.length - texts.length, badLines, numLines: lines.length - 1 };
}

type Refuse = (line: number, problem: string) => void;
/** undefined: not UTF-8. */
type Lines = readonly (string | undefined)[];

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The lines of a chunk; the last is what follows the last newline. */
function linesOf({ bytes, begin }: Chunk, refuse: Refuse): Lines {
  const lines = decodedLines(bytes, refuse);
  if (begin.offset === 0 && lines[0]?.startsWith('\uFEFF')) lines[0] = lines[0].slice(1);
  return lines;
}

function decodedLines(bytes: Uint8Array, refuse: Refuse): (string | undefined)[] {
  try {
    return decoder.decode(bytes).split('\n');
  } catch {
    const lines: (string | undefined)[] = [];
    for (let start = 0; start <= bytes.length; ) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline < 0 ? bytes.length : newline;
      try {
        lines.push(decoder.decode(bytes.subarray(start, end)));
      } catch {
        lines.push(undefined);
        refuse(lines.length, 'is not UTF-8');
      }
      start = end + 1;
    }
    return lines;
  }
}

const PARSERS: Readonly<
  Record<CorpusFile['documents'], (lines: Lines, chunk: Chunk, refuse: Refuse, textField: string) => string[]>
> = {
  // What follows the last newline ends with no line end, even where it ends with a carriage return.
  file: (lines) => {
    const ended = lines.map((line, i) => (i < lines.length - 1 ? line && withoutReturn(line) : line));
    return [ended.filter((line) => line !== undefined).join('\n')];
  },

  line: (lines, { end }) => {
    const own = lines.at(-1) === '' && !end.isInside ? lines.slice(0, -1) : lines;
    return own.map((line) => withoutReturn(line ?? ''));
  },

  paragraph: (lines, { begin, end }) => {
    const found: string[] = [];
    const endsWithNewline = lines.at(-1) === '' && lines.length > 1;
    let open: string[] | undefined = begin.isInside ? [] : undefined;
    for (const line of endsWithNewline ? lines.slice(0, -1) : lines) {
      if (line === undefined) continue;
      if (/\S/.test(line)) (open ??= []).push(withoutReturn(line));
      else if (open) {
        found.push(open.join('\n'));
        open = undefined;
      }
    }
    if (open || end.isInside)
      found.push((open ?? []).join('\n') + (end.isInside && endsWithNewline ? '\n' : ''));
    return found;
  },

  'json-line': (lines, _, refuse, textField) => {
    const found: string[] = [];
    for (const [i, line] of lines.entries()) {
      if (line === undefined || !/\S/.test(line)) continue;
      const text = textOf(line, textField, (problem) => refuse(i + 1, problem));
      if (text !== undefined) found.push(text);
    }
    return found;
  },
};

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function textOf(line: string, textField: string, refuse: (problem: string) => void): string | undefined {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (error) {
    refuse(`is not valid JSON (${messageOf(error)})`);
    return undefined;
  }
  const found = typeof record === 'object' && record !== null && !Array.isArray(record) ? record : undefined;
  const text: unknown = found && Object.getOwnPropertyDescriptor(found, textField)?.value;
  if (typeof text === 'string') return text;
  refuse(
    `has no text in a field "${textField}"; ${fieldsOf(found, textField)} (\`textField\` says which field is read)`,
  );
  return undefined;
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
