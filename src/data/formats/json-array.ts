/** One array of JSON: objects, of which one field is the document, or strings. */

import { type Cut, cutChunks } from './cut-chunks.ts';
import { type Found, Gathered } from './fields.ts';
import { FileBytes } from './file-bytes.ts';
import type { CorpusFile, CorpusFormat } from './format.ts';
import { beginsArray, isJsonArray } from './json-lines.ts';
import { documentIn, textFieldsIn } from './json-records.ts';
import { CHUNK_BYTES, decoder, LONGEST_RECORD, NEWLINE } from './text-policy.ts';

export const jsonArray: CorpusFormat = {
  name: 'json-array',
  summary: 'One JSON array of objects, `textField` of which holds the text, or of strings.',
  unit: 'element',
  isText: true,
  recognises: isJsonArray,
  read: (file, from) => cutChunks(file, from, cut, NEWLINE),
  hasFields: true,
  parse: (bytes, { file, begin }) => {
    const elements = elementsOf(bytes, begin.offset === 0);
    const gathered = new Gathered();
    for (const [i, element] of elements.entries()) gathered.add(i + 1, foundIn(element, file));
    return gathered.chunk(elements.length);
  },
  role: ({ textField }) => `json-array ${textField}`,
  textFields: async (file) => {
    const bytes = new FileBytes(file);
    try {
      await bytes.fill(CHUNK_BYTES);
      const { length } = await cut(bytes, 0);
      return elementsOf(bytes.take(length), true).slice(0, SAMPLED_ELEMENTS).flatMap(textFieldsIn);
    } finally {
      bytes.close();
    }
  },
};

const SAMPLED_ELEMENTS = 100;
/** White space before an array is not longer. */
const HEAD_BYTES = 64;

/** The document of an element, or why there is none. */
function foundIn(element: unknown, file: CorpusFile): Found {
  if (element instanceof Unreadable) return { problem: element.problem };
  return typeof element === 'string' && !file.fields ? element : documentIn(element, file);
}

/** An element of an array that is no JSON. */
class Unreadable {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** After the comma behind the last element that ends in a chunk; of the last chunk, after the array. */
async function cut(held: FileBytes, offset: number): Promise<Cut> {
  for (let size = CHUNK_BYTES; size <= LONGEST_RECORD; size *= 2) {
    await held.fill(size);
    if (offset === 0 && !beginsArray(held.view(HEAD_BYTES))) throw new Error('it is not a JSON array');
    const { lastComma, end } = structureOf(held.view(size), offset === 0);
    if (end !== undefined) {
      await refuseMore(held, end);
      return { length: held.length, isInside: false };
    }
    if (lastComma > 0) return { length: lastComma, isInside: false };
    if (held.isAll(size)) throw new Error('the array has no end');
  }
  throw new Error(`an element is longer than ${LONGEST_RECORD / 2 ** 20} MiB, the most that is read`);
}

/** What follows an array must be white space; of that, all is held then. */
async function refuseMore(held: FileBytes, end: number): Promise<void> {
  for (let at = end; ; at++) {
    if (at === held.length) await held.fill(held.length);
    const byte = held.view(at + 1)[at];
    if (byte === undefined) return;
    if (!WHITE.has(byte)) throw new Error('something follows the end of the array');
  }
}

const WHITE: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const isOpening = (byte: number | undefined) => byte === 0x5b || byte === 0x7b;
const isClosing = (byte: number | undefined) => byte === 0x5d || byte === 0x7d;

interface Structure {
  /** After the last comma between elements; 0 where there is none. */
  readonly lastComma: number;
  /** After the array; undefined where it goes on. */
  readonly end: number | undefined;
}

/**
 * Where elements end in a part of an array.
 * @param isBeginning whether it begins with the array's bracket; with an element otherwise
 * @param eachComma is told of every comma between elements
 */
function structureOf(
  bytes: Uint8Array,
  isBeginning: boolean,
  eachComma: (at: number) => void = () => {},
): Structure {
  let [depth, lastComma] = [isBeginning ? 0 : 1, 0];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
      if (at < 0) break;
    } else if (byte === COMMA && depth === 1) {
      eachComma(at);
      lastComma = at + 1;
    } else if (isOpening(byte)) depth++;
    else if (isClosing(byte) && --depth <= 0) return { lastComma, end: at + 1 };
  }
  return { lastComma, end: undefined };
}

/** The quote that ends a string; -1 where none does. */
function stringEnd(bytes: Uint8Array, begin: number): number {
  for (let at = bytes.indexOf(QUOTE, begin + 1); at > 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let escapes = 0;
    while (bytes[at - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return -1;
}

/** The elements in a chunk, which ends with a comma or with the array. */
function elementsOf(bytes: Uint8Array, isBeginning: boolean): unknown[] {
  try {
    const text = decoder.decode(bytes).trim();
    return JSON.parse(`[${text.slice(isBeginning ? 1 : 0, -1)}]`) as unknown[];
  } catch {
    return elementsOneByOne(bytes, isBeginning);
  }
}

function elementsOneByOne(bytes: Uint8Array, isBeginning: boolean): unknown[] {
  const elements: unknown[] = [];
  let begin = isBeginning ? bytes.indexOf(0x5b) + 1 : 0;
  const take = (end: number) => {
    elements.push(elementIn(bytes.subarray(begin, end)));
    begin = end + 1;
  };
  const { end } = structureOf(bytes, isBeginning, take);
  if (end !== undefined) take(end - 1);
  return elements;
}

function elementIn(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return new Unreadable('is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    return new Unreadable(`is not valid JSON (${(error as Error).message})`);
  }
}
