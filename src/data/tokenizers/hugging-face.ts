/** Any tokenizer.json, and what can be made one, run by Hugging Face's own native library. */

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { readText } from '../../artifacts/index.ts';
import { CalmError, fileMissing, tokenizerInvalid, unknownToken } from '../../errors.ts';
import { ByteTokenizer } from './byte-tokenizer.ts';
import { statedChat } from './chat.ts';
import { readStated, STATEMENTS } from './read-stated.ts';
import { surroundingsOf } from './surroundings.ts';
import { isTiktoken, readTiktoken } from './tiktoken.ts';
import {
  type Chat,
  cutsAtSpaces,
  PAD,
  specialToken,
  type Tokenizer,
  type TokenizerJson,
} from './tokenizer.ts';
import {
  addingNothing,
  type SpecialNames,
  type StatedTokenizer,
  statedToken,
  tokenizerFiles,
} from './tokenizer-config.ts';

/** Names of special tokens in the tokenizers in use. */
const END_OF_TEXT_NAMES = [
  '<|endoftext|>',
  '<|end_of_text|>',
  '</s>',
  '<eos>',
  '<|im_end|>',
  '[SEP]',
] as const;
const PAD_NAMES = [PAD, '<pad>', '<|pad|>'];

interface Vocabulary {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  /** Token → id. */
  readonly ids: ReadonlyMap<string, number>;
}

class HuggingFaceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  readonly beginning: readonly number[];
  readonly ending: readonly number[];
  readonly isCutAtSpaces: boolean;
  readonly chat: Chat | undefined;
  readonly #whole: NativeTokenizer;
  readonly #json: string;
  readonly #names: SpecialNames;
  readonly #stated: StatedTokenizer | undefined;
  #encoder: NativeTokenizer | undefined;
  #plainEncoder: NativeTokenizer | undefined;

  constructor(json: TokenizerJson, vocabulary: Vocabulary, stated: StatedTokenizer | undefined) {
    this.#json = JSON.stringify(json);
    this.#whole = NativeTokenizer.fromString(this.#json);
    this.#stated = stated;
    this.vocabSize = vocabulary.vocabSize;
    this.endOfTextId = vocabulary.endOfTextId;
    this.padId = vocabulary.padId;
    const { beginning, ending } = surroundingsOf(json.post_processor);
    this.beginning = beginning;
    this.ending = ending;
    this.isCutAtSpaces = cutsAtSpaces(json);
    const { ids, endOfTextId, padId } = vocabulary;
    this.#names = specialNames(ids, endOfTextId, padId, beginning[0]);
    this.chat = statedChat(stated, this.#names);
  }

  encode(text: string): Promise<number[]> {
    return idsOf(this.#encoding, text);
  }

  async encodeBatch(texts: readonly string[]): Promise<number[][]> {
    const encodings = await this.#encoding.encodeBatch(texts as string[], { addSpecialTokens: false });
    return encodings.map((encoding) => encoding.getIds());
  }

  get #encoding(): NativeTokenizer {
    return (this.#encoder ??= this.#encoderWith({}));
  }

  encodeAsText(text: string): Promise<number[]> {
    return idsOf((this.#plainEncoder ??= this.#encoderWith({ added_tokens: [] })), text);
  }

  decode(ids: readonly number[], keepSpecials = false): Promise<string> {
    return this.#whole.decode(ids as number[], !keepSpecials);
  }

  /** The same tokenizer, changed; it neither shortens nor pads. */
  #encoderWith(change: Partial<TokenizerJson>): NativeTokenizer {
    const json = JSON.parse(this.#json) as TokenizerJson;
    return NativeTokenizer.fromString(
      JSON.stringify({ ...json, truncation: null, padding: null, ...change }),
    );
  }

  toJson(): string {
    return this.#json;
  }

  toFiles(): Record<string, string> {
    return tokenizerFiles(JSON.parse(this.#json) as TokenizerJson, this.#names, this.#stated);
  }
}

/** Names by ids; those of end-of-text where there is no other. */
function specialNames(
  ids: ReadonlyMap<string, number>,
  endOfTextId: number,
  padId: number,
  beginningId: number | undefined,
): SpecialNames {
  const nameOf = (wanted: number | undefined) => {
    for (const [name, id] of ids) if (id === wanted) return name;
    return undefined;
  };
  const endOfText = nameOf(endOfTextId) ?? '';
  return { endOfText, pad: nameOf(padId) ?? endOfText, beginning: nameOf(beginningId) ?? endOfText };
}

async function idsOf(native: NativeTokenizer, text: string): Promise<number[]> {
  return (await native.encode(text, null, { addSpecialTokens: false })).getIds();
}

export interface TokenizerOptions {
  /** Name or id of its end-of-text token. What its folder says, or a usual name, where absent. */
  readonly endOfText?: string | number | undefined;
  /** Id of its padding token; likewise. */
  readonly pad?: number | undefined;
  /** Whether it surrounds texts with what its post-processor adds; true where absent. */
  readonly addSpecialTokens?: boolean | undefined;
  /** How conversations become text, in Jinja; what its folder says where absent. */
  readonly chatTemplate?: string | undefined;
  /** Ids that its model has. Where padding would be none of them, end-of-text takes its place. */
  readonly modelVocabSize?: number | undefined;
}

/**
 * Opens a tokenizer.json, a tiktoken file (Llama-3's tokenizer.model), or a folder that has one of them, with
 * what tokenizer_config.json beside it says. One without a padding token gets [PAD] as its next id, as in the
 * reference's scripts.
 */
export async function loadTokenizer(path: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const file = await tokenizerFileOf(path);
  const text = await readText(file).catch((error) => {
    throw error instanceof CalmError && error.code === 'CALM_ARTIFACT_MISSING'
      ? fileMissing(file, 'tokenizer')
      : error;
  });
  const json = isTiktoken(text) ? await readTiktoken(file) : parsed(text, file);
  return openTokenizer(json, file, options, await readStated(dirname(file)));
}

function parsed(text: string, file: string): TokenizerJson {
  try {
    return JSON.parse(text) as TokenizerJson;
  } catch (error) {
    throw tokenizerInvalid(file, error);
  }
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

/** The files of which a tokenizer is read: its own, and those beside it that are there. */
export async function tokenizerFilesOf(path: string): Promise<string[]> {
  const file = await tokenizerFileOf(path);
  const beside = STATEMENTS.map((name) => join(dirname(file), name));
  return [file, ...beside.filter((name) => existsSync(name))];
}

/** A tokenizer from the parsed JSON. @param inFolder what its folder says of it */
export function openTokenizer(
  given: TokenizerJson,
  file: string,
  options: TokenizerOptions = {},
  inFolder?: StatedTokenizer,
): Tokenizer {
  const { chatTemplate } = options;
  const stated = chatTemplate === undefined ? inFolder : { ...inFolder, chatTemplate };
  if (ByteTokenizer.describes(given)) return new ByteTokenizer(stated);
  const ids = vocabularyOf(given, file);
  refuseUnknownMerges(given, ids, file);
  const endOfTextId = endOfTextOf(ids, file, options.endOfText, stated);
  const { json, padId } = withPadding(given, ids, endOfTextId, options, stated);
  const vocabulary = { ids, vocabSize: maximum(ids) + 1, endOfTextId, padId };
  try {
    if (options.addSpecialTokens ?? true) return new HuggingFaceTokenizer(json, vocabulary, stated);
    return new HuggingFaceTokenizer({ ...json, post_processor: null }, vocabulary, addingNothing(stated));
  } catch (error) {
    throw tokenizerInvalid(file, error);
  }
}

function endOfTextOf(
  ids: ReadonlyMap<string, number>,
  file: string,
  asked: string | number | undefined,
  stated: StatedTokenizer | undefined,
): number {
  const usual = [statedToken(stated, 'eos_token') ?? '', ...END_OF_TEXT_NAMES];
  const name = asked ?? usual.find((candidate) => ids.has(candidate)) ?? END_OF_TEXT_NAMES[0];
  const id = typeof name === 'number' ? name : ids.get(name);
  if (id === undefined || !Number.isInteger(id) || id < 0 || id > maximum(ids))
    throw unknownToken(String(name), file);
  return id;
}

/**
 * The padding token of a tokenizer: its own, or one more. One that the model has no room for is none.
 * @param ids gets or loses it
 */
function withPadding(
  json: TokenizerJson,
  ids: Map<string, number>,
  endOfTextId: number,
  { pad, modelVocabSize = Number.POSITIVE_INFINITY }: TokenizerOptions,
  stated: StatedTokenizer | undefined,
): { readonly json: TokenizerJson; readonly padId: number } {
  if (pad !== undefined && pad <= maximum(ids)) return { json, padId: pad };
  const own = json.padding?.pad_token;
  const name =
    statedToken(stated, 'pad_token') ??
    (typeof own === 'string' ? own : PAD_NAMES.find((candidate) => ids.has(candidate))) ??
    PAD;
  const added = json.added_tokens ?? [];
  const padId = ids.get(name) ?? maximum(ids) + 1;
  if (padId >= modelVocabSize) {
    ids.delete(name);
    return {
      json: { ...json, added_tokens: added.filter(({ content }) => content !== name) },
      padId: endOfTextId,
    };
  }
  if (ids.has(name)) return { json, padId };
  ids.set(name, padId);
  return { json: { ...json, added_tokens: [...added, specialToken(padId, name)] }, padId };
}

/** A tokenizer as another thread is given it. */
export interface SerialisedTokenizer {
  /** The tokenizer.json. */
  readonly json: string;
  readonly endOfTextId: number;
  readonly padId?: number;
  readonly chat?: Chat | undefined;
}

export function openSerialised({ json, endOfTextId, padId, chat }: SerialisedTokenizer): Tokenizer {
  const said = chat && { config: chat.specialTokens, chatTemplate: chat.template };
  const options = { endOfText: endOfTextId, pad: padId };
  return openTokenizer(JSON.parse(json) as TokenizerJson, 'the tokenizer', options, said);
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

function maximum(ids: ReadonlyMap<string, number>): number {
  let largest = -1;
  for (const id of ids.values()) if (id > largest) largest = id;
  return largest;
}
