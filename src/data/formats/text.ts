/**
 * Text in UTF-8: a file is one document, or each of its paragraphs (parted by blank lines) or lines is.
 * Chunks end where documents do or, inside a long one, where no word is cut.
 */

import { type Cut, cutChunks } from './cut-chunks.ts';
import type { FileBytes } from './file-bytes.ts';
import type { ChunkSpan, CorpusFile, CorpusFormat } from './format.ts';
import { CHUNK_BYTES, type Lines, linesOf, NEWLINE, RETURN, SPACE, withoutReturn } from './text-policy.ts';

type Kind = CorpusFile['documents'];

export const text: CorpusFormat = {
  name: 'text',
  summary: 'Text in UTF-8; `documents` says what is one document.',
  unit: 'line',
  isText: true,
  recognises: () => true,
  read: (file, from) => cutChunks(file, from, (bytes) => cut(bytes, file.documents), NEWLINE),
  parse: (bytes, span) => {
    const { lines, bad } = linesOf(bytes, span.begin);
    return { documents: PARSERS[span.file.documents](lines, span), bad, numRecords: lines.length - 1 };
  },
  role: ({ documents }) => documents,
  isOneDocument: ({ documents }) => documents === 'file',
};

/** How far back from the end of a chunk a space is preferred to a line's end. */
const SPACE_WITHIN = 2 ** 16;

function cut(held: FileBytes, documents: Kind): Cut {
  if (held.isAll(CHUNK_BYTES)) return { length: held.length, isInside: false };
  const bytes = held.view(CHUNK_BYTES);
  const length = lastEnd(bytes, documents);
  return length > 0 ? { length, isInside: false } : { length: safeCut(bytes), isInside: true };
}

/** After the last document that ends in these bytes; 0 where none does. */
function lastEnd(bytes: Uint8Array, documents: Kind): number {
  if (documents === 'file') return 0;
  if (documents === 'line') return bytes.lastIndexOf(NEWLINE) + 1;
  for (let at = bytes.lastIndexOf(NEWLINE); at > 0; at = bytes.lastIndexOf(NEWLINE, at - 1)) {
    if (bytes[at - 1] === NEWLINE || (bytes[at - 1] === RETURN && bytes[at - 2] === NEWLINE)) return at + 1;
  }
  return 0;
}

/**
 * Where a long document is cut: before a single space between inks, which tokenizers give to the word after
 * it; failing that, after a newline between inks; failing that, between two characters.
 */
function safeCut(bytes: Uint8Array): number {
  const isBetweenInks = (at: number) => isInkBefore(bytes, at) && isInkAt(bytes, at + 1);
  const cutAt = (at: number, lowest: number) => {
    for (let i = at; i > lowest; i--) if (bytes[i] === SPACE && isBetweenInks(i)) return i;
    return 0;
  };
  const [last, near] = [bytes.length - 5, Math.max(0, bytes.length - SPACE_WITHIN)];
  const space = cutAt(last, near);
  if (space) return space;
  for (let i = last; i > 0; i--) {
    if (bytes[i] === NEWLINE && isBetweenInks(i)) return i + 1;
    if (bytes[i] === SPACE && isBetweenInks(i)) return i;
  }
  let between = bytes.length - 1;
  while (between > bytes.length - 4 && isInsideCharacter(bytes[between])) between--;
  // The two characters of one line end stay together.
  return bytes[between - 1] === RETURN && bytes[between] === NEWLINE ? between - 1 : between;
}

function isInkBefore(bytes: Uint8Array, at: number): boolean {
  let start = at - 1;
  while (start > at - 4 && isInsideCharacter(bytes[start])) start--;
  return isInkAt(bytes, start);
}

/** Whether a byte of UTF-8 goes on with a character. */
function isInsideCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/**
 * Whether a character that can be seen begins here. Of those beyond ASCII, all are taken whose first bytes no
 * white space has.
 */
function isInkAt(bytes: Uint8Array, at: number): boolean {
  const [first, second] = [bytes[at], bytes[at + 1]];
  if (first === undefined) return false;
  if (first < 0x80) return first > SPACE && first < 0x7f;
  return (
    first >= 0xc3 &&
    first !== 0xe1 &&
    first !== 0xe2 &&
    !(first === 0xe3 && second === 0x80) &&
    first !== 0xef
  );
}

const PARSERS: Readonly<Record<Kind, (lines: Lines, span: ChunkSpan) => string[]>> = {
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
};
