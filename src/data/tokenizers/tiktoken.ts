/**
 * Llama-3's own tokenizer file as tokenizer.json. A tiktoken file has a line a token, its bytes in base64 and
 * its rank, which is also its id; merges are not
 * written down but follow from the ranks: two tokens merge where their bytes together are a token, and lower
 * ranks merge first.
 */

import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readJsonAs } from '../../artifacts/index.ts';
import { tokenizerInvalid } from '../../errors.ts';
import {
  type AddedToken,
  BYTE_SYMBOLS,
  bpeModel,
  LLAMA3_PATTERN,
  specialToken,
  type TokenizerJson,
} from './tokenizer.ts';

/** Special tokens of Llama-3 beside 256 − these reserved ones, where no tokenizer_config.json names them. */
const LLAMA3_SPECIALS: Readonly<Record<number, string>> = {
  0: '<|begin_of_text|>',
  1: '<|end_of_text|>',
  6: '<|start_header_id|>',
  7: '<|end_header_id|>',
  9: '<|eot_id|>',
};
const NUM_LLAMA3_SPECIALS = 256;

/** A larger file is no tokenizer (Llama-3's has 2 MB). */
const LARGEST_FILE = 64 * 2 ** 20;

/** Reads a tiktoken file, and the special tokens of the tokenizer_config.json beside it. */
export async function readTiktoken(file: string): Promise<TokenizerJson> {
  const { size } = await stat(file);
  if (size > LARGEST_FILE) throw tokenizerInvalid(file, new Error(`it has ${size} bytes`));
  const bytes = await readFile(file);
  const symbols = parseRanks(bytes.toString('latin1'), file);
  return toTokenizerJson(symbols, await specialTokens(dirname(file), symbols.length));
}

/** Whether a text begins as a tiktoken file does: base64, a space, a number. */
export function isTiktoken(text: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2} \d+\r?\n/.test(text);
}

/** The tokens by rank, each as the printable stand-ins of its bytes. */
function parseRanks(text: string, file: string): string[] {
  const symbols: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const match = /^([A-Za-z0-9+/]+={0,2}) (\d+)$/.exec(line);
    const [, base64, rank] = match ?? [];
    if (base64 === undefined || Number(rank) !== symbols.length)
      throw tokenizerInvalid(file, new Error(`line ${i + 1} is not "base64 rank", ranks counting from 0`));
    let symbol = '';
    for (const byte of Buffer.from(base64, 'base64')) symbol += BYTE_SYMBOLS[byte];
    symbols.push(symbol);
  }
  if (new Set(symbols).size !== symbols.length)
    throw tokenizerInvalid(file, new Error('it has a token twice'));
  const known = new Set(symbols);
  const missing = BYTE_SYMBOLS.findIndex((symbol) => !known.has(symbol));
  if (missing >= 0) throw tokenizerInvalid(file, new Error(`it has no token for the byte ${missing}`));
  return symbols;
}

/** Every pair of tokens that together are a token, by the rank of that, then by the ranks of the two. */
function mergesOf(symbols: readonly string[], ranks: ReadonlyMap<string, number>): [string, string][] {
  const merges: [string, string][] = [];
  for (const symbol of symbols) {
    const pairs: { pair: [string, string]; ranks: [number, number] }[] = [];
    for (let cut = 1; cut < symbol.length; cut++) {
      const [left, right] = [symbol.slice(0, cut), symbol.slice(cut)];
      const [leftRank, rightRank] = [ranks.get(left), ranks.get(right)];
      if (leftRank !== undefined && rightRank !== undefined)
        pairs.push({ pair: [left, right], ranks: [leftRank, rightRank] });
    }
    pairs.sort((a, b) => a.ranks[0] - b.ranks[0] || a.ranks[1] - b.ranks[1]);
    for (const { pair } of pairs) merges.push(pair);
  }
  return merges;
}

const tokenizerConfig = z.object({
  added_tokens_decoder: z
    .record(
      z.string().regex(/^\d+$/),
      z.object({ content: z.string().default(''), special: z.boolean().default(true) }),
    )
    .optional(),
});

async function specialTokens(directory: string, firstId: number): Promise<AddedToken[]> {
  const file = join(directory, 'tokenizer_config.json');
  const stated = existsSync(file)
    ? (await readJsonAs(file, tokenizerConfig)).added_tokens_decoder
    : undefined;
  if (stated)
    return Object.entries(stated).map(([id, { content, special }]) => ({ id: Number(id), content, special }));
  let reserved = 0;
  return Array.from({ length: NUM_LLAMA3_SPECIALS }, (_, i) => ({
    id: firstId + i,
    content: LLAMA3_SPECIALS[i] ?? `<|reserved_special_token_${reserved++}|>`,
    special: true,
  }));
}

function toTokenizerJson(symbols: readonly string[], added: readonly AddedToken[]): TokenizerJson {
  const ranks = new Map(symbols.map((symbol, rank) => [symbol, rank]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(({ id, content, special }) => specialToken(id, content, special)),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: LLAMA3_PATTERN }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: beginningWith(added.find(({ content }) => content === LLAMA3_SPECIALS[0])),
    decoder: byteLevel,
    model: bpeModel(Object.fromEntries(ranks), mergesOf(symbols, ranks), true),
  };
  return json as unknown as TokenizerJson;
}

/** Puts a token before every text, as Hugging Face's own conversion of this file does. */
function beginningWith(token: AddedToken | undefined) {
  if (!token) return null;
  const { id, content } = token;
  const piece = { SpecialToken: { id: content, type_id: 0 } };
  const sequence = (name: string, type: number) => ({ Sequence: { id: name, type_id: type } });
  return {
    type: 'TemplateProcessing',
    single: [piece, sequence('A', 0)],
    pair: [piece, sequence('A', 0), { SpecialToken: { id: content, type_id: 1 } }, sequence('B', 1)],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
  };
}
