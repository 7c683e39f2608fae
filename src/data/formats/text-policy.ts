/**
 * What holds of every format that is written as text: it is UTF-8, a byte-order mark at its beginning is no
 * text, and CR LF is one line end. Lines that are not UTF-8 are said to be bad, and the others are taken.
 */

import type { BadRecord, FileHead, FilePlace, FormatProblem } from './format.ts';

export const [NEWLINE, RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/** So much of a file is one chunk. */
export const CHUNK_BYTES = 2 ** 20;

/** A longer record (line of JSON, row) is not read: it must be parsed as one. */
export const LONGEST_RECORD = 64 * CHUNK_BYTES;

/**
 * Why a beginning is no text in UTF-8; undefined where it is. That all lines are is checked where they are
 * read.
 */
export function textProblem({ name, bytes }: FileHead): FormatProblem | undefined {
  const encoding = wideEncodingOf(bytes);
  if (encoding)
    return {
      problem: `is ${encoding} and not UTF-8`,
      advice: `Convert it: iconv -f ${encoding} -t UTF-8 ${quoted(name)} > corpus.txt`,
    };
  return looksLikeText(bytes) ? undefined : NOT_TEXT;
}

const NOT_TEXT: FormatProblem = {
  problem: 'is not text',
  advice: 'Give text in UTF-8, JSON lines or a table, or a plugin that reads such files',
};

/** UTF-16 or UTF-32: by a byte-order mark, or by zeros in every second byte of ASCII text. */
function wideEncodingOf(head: Uint8Array): string | undefined {
  const mark = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (mark === 'fffe0000' || mark === '0000feff') return 'UTF-32';
  if (mark.startsWith('fffe') || mark.startsWith('feff')) return 'UTF-16';
  let [even, odd] = [0, 0];
  for (const [i, byte] of head.entries()) {
    if (byte !== 0) continue;
    if (i % 2 === 0) even++;
    else odd++;
  }
  if (head.length < 4 || Math.max(even, odd) < 0.3 * head.length || Math.min(even, odd) > 0.02 * head.length)
    return undefined;
  return odd > even ? 'UTF-16LE' : 'UTF-16BE';
}

/** Control characters in a text: more are not text. */
const MOST_CONTROLS = 1 / 200;

function looksLikeText(head: Uint8Array): boolean {
  let controls = 0;
  for (const byte of head) if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b)) controls++;
  return controls <= head.length * MOST_CONTROLS;
}

/** The lines of a chunk; the last is what follows the last newline. undefined: not UTF-8. */
export type Lines = readonly (string | undefined)[];

/** A chunk's lines, without the byte-order mark, and those that are not UTF-8. */
export function linesOf(bytes: Uint8Array, begin: FilePlace): { lines: Lines; bad: BadRecord[] } {
  const bad: BadRecord[] = [];
  const lines = decodedLines(bytes, bad);
  if (begin.offset === 0 && lines[0]?.startsWith('\uFEFF')) lines[0] = lines[0].slice(1);
  return { lines, bad };
}

/** Throws where bytes are not UTF-8. */
export const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodedLines(bytes: Uint8Array, bad: BadRecord[]): (string | undefined)[] {
  try {
    return decoder.decode(bytes).split('\n');
  } catch {
    const lines: (string | undefined)[] = [];
    for (let start = 0; start <= bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      try {
        lines.push(decoder.decode(bytes.subarray(start, end)));
      } catch {
        lines.push(undefined);
        bad.push({ number: lines.length, problem: 'is not UTF-8' });
      }
      start = end + 1;
    }
    return lines;
  }
}

/** A line without the first half of CR LF. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** A file's name as a shell takes it. */
export function quoted(name: string): string {
  return `'${name.replaceAll("'", "'\\''")}'`;
}
