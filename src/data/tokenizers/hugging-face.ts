/** Any tokenizer.json, run by Hugging Face's own native library. */

import { readFile } from 'node:fs/promises';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { fileMissing, tokenizerInvalid, unknownToken } from '../../errors.ts';
import { ByteTokenizer } from './byte-tokenizer.ts';
import { PAD, type Tokenizer, type TokenizerJson } from './tokenizer.ts';

/** Names of end-of-text in the tokenizers in use. */
const END_OF_TEXT_NAMES = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>', '<|im_end|>', '[SEP]'];

class HuggingFaceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  readonly #native: NativeTokenizer;
  readonly #json: string;

  constructor(native: NativeTokenizer, json: string, ids: { vocabSize: number; endOfTextId: number; padId: number }) {
    this.#native = native;
    this.#json = json;
    this.vocabSize = ids.vocabSize;
    this.endOfTextId = ids.endOfTextId;
    this.padId = ids.padId;
  }

  async encode(text: string): Promise<number[]> {
    return (await this.#native.encode(text, null, { addSpecialTokens: false })).getIds();
  }

  decode(ids: readonly number[]): Promise<string> {
    return this.#native.decode(ids as number[], true);
  }

  toJson(): string {
    return this.#json;
  }
}

/**
 * Opens a tokenizer.json. One without a padding token gets [PAD] as its next id, as the reference's scripts do.
 * @param endOfText the name or the id of its end-of-text token; a usual name is looked for where absent
 */
export async function loadTokenizer(file: string, endOfText?: string | number): Promise<Tokenizer> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw fileMissing(file, 'tokenizer');
  });
  let json: TokenizerJson;
  try {
    json = JSON.parse(text) as TokenizerJson;
  } catch (error) {
    throw tokenizerInvalid(file, error);
  }
  return ByteTokenizer.describes(json) ? new ByteTokenizer() : openTokenizer(json, file, endOfText);
}

/** A tokenizer from the parsed JSON. */
export function openTokenizer(json: TokenizerJson, file: string, endOfText?: string | number): Tokenizer {
  const ids = vocabularyOf(json, file);
  const name = endOfText ?? END_OF_TEXT_NAMES.find((candidate) => ids.has(candidate)) ?? END_OF_TEXT_NAMES[0];
  const endOfTextId = typeof name === 'number' ? name : ids.get(name);
  if (endOfTextId === undefined) throw unknownToken(String(name), file);
  const complete = ids.has(PAD) ? json : withPad(json, maximum(ids) + 1);
  const padId = ids.get(PAD) ?? maximum(ids) + 1;
  try {
    const serialised = JSON.stringify(complete);
    const vocabSize = Math.max(maximum(ids), padId) + 1;
    return new HuggingFaceTokenizer(NativeTokenizer.fromString(serialised), serialised, { vocabSize, endOfTextId, padId });
  } catch (error) {
    throw tokenizerInvalid(file, error);
  }
}

function vocabularyOf(json: TokenizerJson, file: string): Map<string, number> {
  const vocab = json?.model?.vocab;
  if (!vocab || typeof vocab !== 'object') throw tokenizerInvalid(file, new Error('it has no model.vocab'));
  const entries: [string, number][] = Array.isArray(vocab) ? vocab.map(([token], id) => [token, id]) : Object.entries(vocab);
  return new Map([...entries, ...(json.added_tokens ?? []).map(({ content, id }) => [content, id] as [string, number])]);
}

function maximum(ids: Map<string, number>): number {
  let largest = -1;
  for (const id of ids.values()) if (id > largest) largest = id;
  return largest;
}

function withPad(json: TokenizerJson, id: number): TokenizerJson {
  const pad = { id, content: PAD, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return { ...json, added_tokens: [...(json.added_tokens ?? []), pad] };
}
