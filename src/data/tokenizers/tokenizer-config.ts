/**
 * tokenizer_config.json: what a folder says of its tokenizer beside tokenizer.json. The transformers library
 * goes by it for the class of a tokenizer and for its special tokens, and so do we.
 */

import type { AddedToken, TokenizerJson } from './tokenizer.ts';

/** What a folder says of its tokenizer; all of it is kept. */
export interface StatedTokenizer {
  /** tokenizer_config.json, with the tokens that special_tokens_map.json alone names. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** chat_template.jinja, where the template is a file of its own. */
  readonly chatTemplate?: string | undefined;
}

export const CONFIG = 'tokenizer_config.json';
export const CHAT_TEMPLATE = 'chat_template.jinja';

/** Names of the special tokens of a tokenizer as they are used here. */
export interface SpecialNames {
  readonly endOfText: string;
  readonly pad: string;
  readonly beginning: string;
}

/** The name of a special token, which is stated as a text or as a token with its options. */
export function statedToken(
  stated: StatedTokenizer | undefined,
  key: 'bos_token' | 'eos_token' | 'pad_token' | 'unk_token',
): string | undefined {
  const value = stated?.config?.[key];
  const content = typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
  return typeof content === 'string' ? content : undefined;
}

/** What transformers is told of a tokenizer that nobody has stated anything of. */
const STANDARD = {
  clean_up_tokenization_spaces: false,
  model_input_names: ['input_ids', 'attention_mask'],
  tokenizer_class: 'PreTrainedTokenizerFast',
};

/** The same without a class that adds special tokens by itself, whatever tokenizer.json says. */
export function addingNothing(stated: StatedTokenizer | undefined): StatedTokenizer | undefined {
  if (!stated?.config) return stated;
  const { tokenizer_class } = STANDARD;
  const config = { ...stated.config, tokenizer_class, add_bos_token: false, add_eos_token: false };
  return { ...stated, config };
}

/**
 * The files by which transformers reads a tokenizer as we do: tokenizer.json, tokenizer_config.json, and the
 * chat template where it is a file. What is stated stays, completed by what it lacks.
 */
export function tokenizerFiles(
  json: TokenizerJson,
  names: SpecialNames,
  stated: StatedTokenizer | undefined,
): Record<string, string> {
  const { config: given = { ...STANDARD, bos_token: names.beginning }, chatTemplate } = stated ?? {};
  const config: Record<string, unknown> = {
    ...given,
    tokenizer_class: given.tokenizer_class ?? STANDARD.tokenizer_class,
    added_tokens_decoder: Object.fromEntries(
      (json.added_tokens ?? []).map((token) => [token.id, decoderEntry(token)]),
    ),
  };
  if (statedToken(stated, 'eos_token') !== names.endOfText) config.eos_token = names.endOfText;
  if (statedToken(stated, 'pad_token') !== names.pad) config.pad_token = names.pad;
  // A number that JavaScript can't hold, and that stands for no limit, which is the default.
  if (!Number.isSafeInteger(config.model_max_length)) delete config.model_max_length;
  return {
    'tokenizer.json': JSON.stringify(withPlainMerges(json)),
    [CONFIG]: `${JSON.stringify(sorted(config), null, 2)}\n`,
    ...(chatTemplate === undefined ? {} : { [CHAT_TEMPLATE]: chatTemplate }),
  };
}

/** An added token as transformers writes it. */
function decoderEntry({ content, special, ...options }: AddedToken) {
  const { lstrip = false, normalized = false, rstrip = false, single_word = false } = options;
  return { content, lstrip, normalized, rstrip, single_word, special };
}

/** Merges as "left right", which every version of Hugging Face tokenizers reads; pairs came with 0.20. */
function withPlainMerges(json: TokenizerJson): TokenizerJson {
  const { merges } = json.model;
  if (
    !merges?.some(Array.isArray) ||
    merges.some((pair) => Array.isArray(pair) && pair.join('').includes(' '))
  )
    return json;
  const plain = merges.map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge));
  return { ...json, model: { ...json.model, merges: plain } };
}

function sorted(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
