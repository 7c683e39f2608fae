/**
 * What is done with a chunk of a corpus, on this thread or on another: its documents as token ids, or its
 * words counted.
 */

import { elementAt } from '../elements.ts';
import { type CorpusChunk, documentsOf, type FoundDocuments } from './corpus-chunks.ts';
import type { BadRecord, CorpusFile, FieldDocument, Pair } from './formats/format.ts';
import { turnsOf } from './tokenizers/chat.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';
import { WordCounter } from './tokenizers/train-bpe.ts';

type Found = Omit<FoundDocuments, 'texts' | 'pairs' | 'pairRecords'>;

export interface EncodedChunk extends Found {
  /** The ids of all documents in a row. */
  readonly ids: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** Of each document: tokens, bytes of text, and whether it is blank. */
  readonly numTokens: readonly number[];
  readonly numBytes: readonly number[];
  readonly isBlank: readonly boolean[];
  /** Of each document that is in two parts; texts come first. */
  readonly pairs: readonly PairTokens[];
}

/** A document in two parts, as tokens. */
export interface PairTokens {
  /** Tokens of the first part. */
  readonly numPromptTokens: number;
  /** Whether a template made it, which says by itself what a text begins and ends with. */
  readonly isRendered: boolean;
  /** Whether it is a further turn of the conversation before it. */
  readonly isLaterTurn: boolean;
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
  const { texts, pairs: given, pairRecords, ...found } = await documentsOf(chunk, file);
  const { pairs, bad } = await pairsOf(tokenizer, given, pairRecords);
  const parts = [...texts, ...pairs.flatMap(({ prompt, completion }) => [prompt, completion])];
  const pieces: string[] = [];
  const ends = parts.map((text) => pieces.push(...(tokenizer.isCutAtSpaces ? piecesOf(text) : [text])));
  const encoded = (await Promise.all(batchesOf(pieces).map((batch) => tokenizer.encodeBatch(batch)))).flat();
  const numTokens = ends.map((end, i) =>
    encoded.slice(ends[i - 1] ?? 0, end).reduce((sum, ids) => sum + ids.length, 0),
  );
  const numBytes = parts.map((text) => Buffer.byteLength(text));
  /** Of each document, from the numbers of its parts. */
  const inWhole = (numbers: readonly number[]) => [
    ...numbers.slice(0, texts.length),
    ...pairs.map((_, i) => {
      const at = texts.length + 2 * i;
      return elementAt(numbers, at) + elementAt(numbers, at + 1);
    }),
  ];
  return {
    ...found,
    bad: [...found.bad, ...bad].sort((a, b) => a.number - b.number),
    ids: joined(encoded, tokenizer.vocabSize),
    numTokens: inWhole(numTokens),
    numBytes: inWhole(numBytes),
    isBlank: [...texts.map((text) => !/\S/.test(text)), ...pairs.map(() => false)],
    pairs: pairs.map(({ isRendered, isLaterTurn }, i) => ({
      numPromptTokens: elementAt(numTokens, texts.length + 2 * i),
      isRendered,
      isLaterTurn,
    })),
  };
}

type RenderedPair = Pair & Omit<PairTokens, 'numPromptTokens'>;

/** Documents of fields as pairs; a conversation is one for each turn of its assistant. */
async function pairsOf(
  tokenizer: Tokenizer,
  documents: readonly FieldDocument[],
  records: readonly number[],
): Promise<{ pairs: readonly RenderedPair[]; bad: readonly BadRecord[] }> {
  const pairs: RenderedPair[] = [];
  const bad: BadRecord[] = [];
  for (const [i, document] of documents.entries()) {
    if ('prompt' in document) pairs.push({ ...document, isRendered: false, isLaterTurn: false });
    else {
      const turns = await turnsOf(tokenizer, document.messages);
      if ('problem' in turns) bad.push({ number: elementAt(records, i), ...turns });
      else pairs.push(...turns.map((turn, n) => ({ ...turn, isRendered: true, isLaterTurn: n > 0 })));
    }
  }
  return { pairs, bad };
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
  const { texts, pairs, pairRecords: _, ...found } = await documentsOf(chunk, file);
  const counter = new WordCounter();
  for (const text of [...texts, ...pairs.flatMap(textsOf)]) counter.add(text);
  return { ...found, words: [...counter.counts.keys()], counts: [...counter.counts.values()] };
}

function textsOf(document: FieldDocument): string[] {
  return 'prompt' in document
    ? [document.prompt, document.completion]
    : document.messages.map(({ content }) => content);
}
