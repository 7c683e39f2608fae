/**
 * What is done with a chunk of a corpus, on this thread or on another: its documents as token ids, or its
 * words counted.
 */

import { type CorpusChunk, documentsOf, type FoundDocuments } from './corpus-chunks.ts';
import type { CorpusFile } from './formats/format.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';
import { WordCounter } from './tokenizers/train-bpe.ts';

type Found = Omit<FoundDocuments, 'texts'>;

export interface EncodedChunk extends Found {
  /** The ids of all documents in a row. */
  readonly ids: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** Of each document: tokens, bytes of text, and whether it is blank. */
  readonly numTokens: readonly number[];
  readonly numBytes: readonly number[];
  readonly isBlank: readonly boolean[];
}

export interface CountedChunk extends Found {
  readonly words: readonly string[];
  readonly counts: readonly number[];
}

/** Longer texts take the native library more time a byte; what its cache holds is what matters. */
const PIECE_CHARACTERS = 4096;
const CHARACTERS_AT_ONCE = 2 ** 18;

export async function encodeChunk(
  chunk: CorpusChunk,
  file: CorpusFile,
  tokenizer: Tokenizer,
): Promise<EncodedChunk> {
  const { texts, ...found } = await documentsOf(chunk, file);
  const pieces: string[] = [];
  const ends = texts.map((text) => pieces.push(...(tokenizer.isCutAtSpaces ? piecesOf(text) : [text])));
  const encoded = (await Promise.all(batchesOf(pieces).map((batch) => tokenizer.encodeBatch(batch)))).flat();
  const numTokens = ends.map((end, i) =>
    encoded.slice(ends[i - 1] ?? 0, end).reduce((sum, ids) => sum + ids.length, 0),
  );
  return {
    ...found,
    ids: joined(encoded, tokenizer.vocabSize),
    numTokens,
    numBytes: texts.map((text) => Buffer.byteLength(text)),
    isBlank: texts.map((text) => !/\S/.test(text)),
  };
}

/** Texts in batches of so many characters: a batch is what the native library spreads over the cores. */
function batchesOf(texts: readonly string[]): string[][] {
  const batches: string[][] = [];
  let [batch, room]: [string[], number] = [[], 0];
  for (const text of texts) {
    if (room <= 0) {
      [batch, room] = [[], CHARACTERS_AT_ONCE];
      batches.push(batch);
    }
    batch.push(text);
    room -= text.length;
  }
  return batches;
}

function joined(parts: readonly ArrayLike<number>[], vocabSize: number): EncodedChunk['ids'] {
  const length = parts.reduce((sum, ids) => sum + ids.length, 0);
  const ids = vocabSize <= 65536 ? new Uint16Array(length) : new Uint32Array(length);
  let at = 0;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
  }
  return ids;
}

/** A text in pieces, cut before single spaces between inks. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let begin = 0;
  for (let searched = 0; begin + PIECE_CHARACTERS < text.length; ) {
    const cut = cutBefore(
      text,
      Math.min(begin + searched + PIECE_CHARACTERS, text.length - 1),
      begin + searched,
    );
    if (cut > 0) {
      pieces.push(text.slice(begin, cut));
      begin = cut;
      searched = 0;
    } else if (begin + searched + PIECE_CHARACTERS >= text.length) break;
    else searched += PIECE_CHARACTERS;
  }
  pieces.push(text.slice(begin));
  return pieces;
}

/** The last such space between two places; 0 where there is none. */
function cutBefore(text: string, last: number, first: number): number {
  for (let at = text.lastIndexOf(' ', last); at > first; at = text.lastIndexOf(' ', at - 1)) {
    if (isInk(text, at - 1) && isInk(text, at + 1)) return at;
  }
  return 0;
}

function isInk(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 0x80 ? code > 0x20 && code < 0x7f : code !== 0x85 && /\S/.test(text.charAt(at));
}

export async function countChunk(chunk: CorpusChunk, file: CorpusFile): Promise<CountedChunk> {
  const { texts, ...found } = await documentsOf(chunk, file);
  const counter = new WordCounter();
  for (const text of texts) counter.add(text);
  return { ...found, words: [...counter.counts.keys()], counts: [...counter.counts.values()] };
}
