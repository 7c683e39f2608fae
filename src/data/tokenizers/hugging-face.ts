/** Any tokenizer.json, and what can be made one, run by Hugging Face's own native library. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { readText } from '../../artifacts/index.ts';
import { CalmError, fileMissing, tokenizerInvalid, unknownToken } from '../../errors.ts';
import { ByteTokenizer } from './byte-tokenizer.ts';
import { isTiktoken, readTiktoken } from './tiktoken.ts';
import { type AddedToken, cutsAtSpaces, PAD, type Tokenizer, type TokenizerJson } from './tokenizer.ts';

/** Names of end-of-text in the tokenizers in use. */
const END_OF_TEXT_NAMES = [
  '<|endoftext|>',
  '<|end_of_text|>',
  '</s>',
  '<eos>',
  '<|im_end|>',
  '[SEP]',
] as const;

class HuggingFaceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  readonly isCutAtSpaces: boolean;
  readonly #whole: NativeTokenizer;
  readonly #json: string;
  #encoder: NativeTokenizer | undefined;
  #plainEncoder: NativeTokenizer | undefined;

  constructor(json: TokenizerJson, ids: { vocabSize: number; endOfTextId: number; padId: number }) {
    this.#json = JSON.stringify(json);
    this.#whole = NativeTokenizer.fromString(this.#json);
    this.vocabSize = ids.vocabSize;
    this.endOfTextId = ids.endOfTextId;
    this.padId = ids.padId;
    this.isCutAtSpaces = cutsAtSpaces(json);
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
    return NativeTokenizer.fromString(
      JSON.stringify({
        ...json,
        truncation: null,
        padding: null,
        added_tokens: (json.added_tokens ?? []).filter(isKept),
      }),
    );
  }

  toJson(): string {
    return this.#json;
  }
}

async function idsOf(native: NativeTokenizer, text: string): Promise<number[]> {
  return (await native.encode(text, null, { addSpecialTokens: false })).getIds();
}

/**
 * Opens a tokenizer.json, a tiktoken file (Llama-3's tokenizer.model), or a folder that has one of them. One
 * without a padding token gets [PAD] as its next id,
 * as the reference's scripts do.
 * @param endOfText the name or the id of its end-of-text token; a usual name is looked for where absent
 */
export async function loadTokenizer(path: string, endOfText?: string | number): Promise<Tokenizer> {
  const file = await tokenizerFileOf(path);
  const text = await readText(file).catch((error) => {
    throw error instanceof CalmError && error.code === 'CALM_ARTIFACT_MISSING'
      ? fileMissing(file, 'tokenizer')
      : error;
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
  refuseUnknownMerges(json, ids, file);
  const name = endOfText ?? END_OF_TEXT_NAMES.find((candidate) => ids.has(candidate)) ?? END_OF_TEXT_NAMES[0];
  const endOfTextId = typeof name === 'number' ? name : ids.get(name);
  if (endOfTextId === undefined) throw unknownToken(String(name), file);
  if (!Number.isInteger(endOfTextId) || endOfTextId < 0 || endOfTextId > maximum(ids))
    throw unknownToken(String(name), file);
  const complete = ids.has(PAD) ? json : withPad(json, maximum(ids) + 1);
  const padId = ids.get(PAD) ?? maximum(ids) + 1;
  try {
    return new HuggingFaceTokenizer(complete, {
      vocabSize: Math.max(maximum(ids), padId) + 1,
      endOfTextId,
      padId,
    });
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
  return ByteTokenizer.describes(parsed)
    ? new ByteTokenizer()
    : openTokenizer(parsed, 'the tokenizer', endOfTextId);
}

/** No vocabulary is larger: embeddings have a row for each id. */
const LARGEST_ID = 2 ** 24;

/** Token → id, of the vocabulary and the added tokens. What is no such map is refused. */
function vocabularyOf(json: TokenizerJson, file: string): Map<string, number> {
  const refuse = (problem: string) => tokenizerInvalid(file, new Error(problem));
  const vocab = json?.model?.vocab;
  if (!vocab || typeof vocab !== 'object') throw refuse('it has no model.vocab');
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added)) throw refuse('its added_tokens are no list');
  const entries: [unknown, unknown][] = Array.isArray(vocab)
    ? vocab.map((entry, id) => [entry?.[0], id])
    : Object.entries(vocab);
  const ids = new Map<string, number>();
  for (const [token, id] of [...entries, ...added.map((token) => [token?.content, token?.id])]) {
    if (typeof token !== 'string') throw refuse('it has a token that is no text');
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > LARGEST_ID)
      throw refuse(`its token ${JSON.stringify(token)} has the id ${String(id)}`);
    ids.set(token, id as number);
  }
  return ids;
}

/**
 * Refuses merges whose parts or result are no tokens: the native library would end the process over some of
 * them.
 */
function refuseUnknownMerges({ model }: TokenizerJson, ids: ReadonlyMap<string, number>, file: string): void {
  const { continuing_subword_prefix: prefix, merges = [] } = model;
  const refuse = (problem: string) => tokenizerInvalid(file, new Error(problem));
  if (!Array.isArray(merges)) throw refuse('its merges are no list');
  const common = typeof prefix === 'string' ? prefix : '';
  for (const merge of merges) {
    const parts: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    const [left, right] = parts.filter((part) => typeof part === 'string' && ids.has(part)) as string[];
    if (
      parts.length !== 2 ||
      left === undefined ||
      right === undefined ||
      !right.startsWith(common) ||
      !ids.has(left + right.slice(common.length))
    )
      throw refuse(`its merge ${JSON.stringify(merge)} is not of tokens that it has`);
  }
}

function maximum(ids: Map<string, number>): number {
  let largest = -1;
  for (const id of ids.values()) if (id > largest) largest = id;
  return largest;
}

function withPad(json: TokenizerJson, id: number): TokenizerJson {
  const pad = {
    id,
    content: PAD,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  return { ...json, added_tokens: [...(json.added_tokens ?? []), pad] };
}
