/** Any tokenizer.json, and what can be made one, run by Hugging Face's own native library. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { fileMissing, tokenizerInvalid, unknownToken } from '../../errors.ts';
import { ByteTokenizer } from './byte-tokenizer.ts';
import { isTiktoken, readTiktoken } from './tiktoken.ts';
import { type AddedToken, cutsAtSpaces, PAD, type Tokenizer, type TokenizerJson } from './tokenizer.ts';

/** Names of end-of-text in the tokenizers in use. */
const END_OF_TEXT_NAMES = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>', '<|im_end|>', '[SEP]'];

class HuggingFaceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  readonly isCutAtSpaces: boolean;
  readonly #whole: NativeTokenizer;
  readonly #json: string;
  #encoder: NativeTokenizer | undefined;
  #plainEncoder: NativeTokenizer | undefined;

  constructor(whole: NativeTokenizer, json: string, ids: { vocabSize: number; endOfTextId: number; padId: number }) {
    this.#whole = whole;
    this.#json = json;
    this.vocabSize = ids.vocabSize;
    this.endOfTextId = ids.endOfTextId;
    this.padId = ids.padId;
    this.isCutAtSpaces = cutsAtSpaces(JSON.parse(json) as TokenizerJson);
  }

  encode(text: string): Promise<number[]> {
    return idsOf(this.#encoding, text);
  }

  async encodeBatch(texts: readonly string[]): Promise<number[][]> {
    const encodings = await this.#encoding.encodeBatch(texts as string[], { addSpecialTokens: false });
    return encodings.map((encoding) => encoding.getIds());
  }

  get #encoding(): NativeTokenizer {
    return (this.#encoder ??= this.#withTokens(({ content }) => content !== PAD));
  }

  encodeAsText(text: string): Promise<number[]> {
    return idsOf((this.#plainEncoder ??= this.#withTokens(() => false)), text);
  }

  decode(ids: readonly number[], keepSpecials = false): Promise<string> {
    return this.#whole.decode(ids as number[], !keepSpecials);
  }

  /** The same tokenizer with some of its added tokens alone; it neither shortens nor pads. */
  #withTokens(isKept: (token: AddedToken) => boolean): NativeTokenizer {
    const json = JSON.parse(this.#json) as TokenizerJson;
    return NativeTokenizer.fromString(JSON.stringify({ ...json, truncation: null, padding: null, added_tokens: (json.added_tokens ?? []).filter(isKept) }));
  }

  toJson(): string {
    return this.#json;
  }
}

async function idsOf(native: NativeTokenizer, text: string): Promise<number[]> {
  return (await native.encode(text, null, { addSpecialTokens: false })).getIds();
}

/**
 * Opens a tokenizer.json, a tiktoken file (Llama-3's tokenizer.model), or a folder that has one of them. One without a padding token gets [PAD] as its next id,
 * as the reference's scripts do.
 * @param endOfText the name or the id of its end-of-text token; a usual name is looked for where absent
 */
export async function loadTokenizer(path: string, endOfText?: string | number): Promise<Tokenizer> {
  const file = await tokenizerFileOf(path);
  const text = await readFile(file, 'utf8').catch(() => {
    throw fileMissing(file, 'tokenizer');
  });
  if (isTiktoken(text)) return openTokenizer(await readTiktoken(file), file, endOfText);
  let json: TokenizerJson;
  try {
    json = JSON.parse(text) as TokenizerJson;
  } catch (error) {
    throw tokenizerInvalid(file, error);
  }
  return ByteTokenizer.describes(json) ? new ByteTokenizer() : openTokenizer(json, file, endOfText);
}

/** The file that is meant: in a folder tokenizer.json, or tokenizer.model where that is absent or empty. */
export async function tokenizerFileOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return path;
  for (const name of ['tokenizer.json', 'tokenizer.model']) {
    const size = await stat(join(path, name)).then(
      (file) => file.size,
      () => 0,
    );
    if (size > 0) return join(path, name);
  }
  throw fileMissing(join(path, 'tokenizer.json'), 'tokenizer');
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

/** A tokenizer as another thread is given it. */
export interface SerialisedTokenizer {
  /** The tokenizer.json. */
  readonly json: string;
  readonly endOfTextId: number;
}

export function openSerialised({ json, endOfTextId }: SerialisedTokenizer): Tokenizer {
  const parsed = JSON.parse(json) as TokenizerJson;
  return ByteTokenizer.describes(parsed) ? new ByteTokenizer() : openTokenizer(parsed, 'the tokenizer', endOfTextId);
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
