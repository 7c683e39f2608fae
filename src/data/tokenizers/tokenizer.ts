/**
 * Text ↔ token ids. Every tokenizer, also `bytes`, is stored as a tokenizer.json that Hugging Face tokenizers
 * loads with the same ids.
 */

/** What a conversation becomes text by. Plain data, so that another thread can have it. */
export interface Chat {
  /** In Jinja. */
  readonly template: string;
  /** Names of special tokens as templates ask for them: `bos_token`, `eos_token` … */
  readonly specialTokens: Readonly<Record<string, string>>;
}

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  /** What its post-processor puts before a document or a prompt: a token of beginning, where it has one. */
  readonly beginning: readonly number[];
  /** What its post-processor puts behind a document. */
  readonly ending: readonly number[];
  /** How conversations become text, where the tokenizer's folder says it. */
  readonly chat: Chat | undefined;
  /** Names of special tokens in the text become these tokens, as Hugging Face has it. */
  encode(text: string): Promise<ArrayLike<number>>;
  /** Many texts at once, on all cores. */
  encodeBatch(texts: readonly string[]): Promise<readonly ArrayLike<number>[]>;
  /** Whether a text may be cut before a single space between two words without a change of its tokens. */
  readonly isCutAtSpaces: boolean;
  /** As `encode`, but what looks like a special token is text too. */
  encodeAsText(text: string): Promise<ArrayLike<number>>;
  /** Bytes that are no UTF-8 become U+FFFD. Special tokens are left out, or kept by their names. */
  decode(ids: readonly number[], keepSpecials?: boolean): Promise<string>;
  /** The tokenizer.json that it was read from, with padding if that had none. */
  toJson(): string;
  /** The files by which Hugging Face's transformers (`AutoTokenizer`) reads it, by their names. */
  toFiles(): Readonly<Record<string, string>>;
}

/** A text that is to be continued, with what its tokenizer puts before it. */
export async function promptIds(
  tokenizer: Pick<Tokenizer, 'beginning' | 'encode'>,
  text: string,
): Promise<number[]> {
  return [...tokenizer.beginning, ...Array.from(await tokenizer.encode(text))];
}

/** A whole document with what its tokenizer puts around it; it ends with one end-of-text. */
export async function documentIds(tokenizer: Tokenizer, text: string): Promise<number[]> {
  const ids = [...(await promptIds(tokenizer, text)), ...tokenizer.ending];
  return tokenizer.ending.at(-1) === tokenizer.endOfTextId ? ids : [...ids, tokenizer.endOfTextId];
}

export const END_OF_TEXT = '<|endoftext|>';
export const PAD = '[PAD]';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  readonly normalized?: boolean;
}

/** An added token that is found where its name stands, whatever is around it. */
export function specialToken(id: number, content: string, special = true): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

interface PreTokenizerJson {
  readonly type?: string;
  readonly pretokenizers?: readonly PreTokenizerJson[];
  readonly pattern?: { readonly Regex?: string };
  readonly add_prefix_space?: boolean;
  readonly use_regex?: boolean;
}

/** A post-processor: which fields it has depends on its type. */
export interface PostProcessorJson {
  readonly type?: string;
  readonly processors?: readonly PostProcessorJson[];
  readonly single?: readonly { readonly SpecialToken?: { readonly id?: string } }[];
  readonly special_tokens?: Readonly<Record<string, { readonly ids?: readonly number[] } | undefined>>;
  readonly cls?: readonly [string, number];
  readonly sep?: readonly [string, number];
}

/** The parts of tokenizer.json that we read or write. */
export interface TokenizerJson {
  added_tokens?: AddedToken[];
  normalizer?: unknown;
  pre_tokenizer?: PreTokenizerJson | null;
  post_processor?: PostProcessorJson | null;
  padding?: { readonly pad_token?: unknown } | null;
  model: {
    type: string;
    vocab: Record<string, number> | [string, number][];
    merges?: ([string, string] | string)[];
    continuing_subword_prefix?: string | null;
  };
}

/**
 * A byte-level BPE as tokenizer.json: the 256 bytes take ids 0 … 255, merges follow, end-of-text and padding
 * come last.
 * @param useRegex whether text is split by GPT-2's pattern first; without merges it makes no difference
 */
export function byteLevelJson(
  merges: readonly (readonly [string, string])[],
  useRegex: boolean,
): TokenizerJson {
  const vocab: Record<string, number> = {};
  for (const symbol of BYTE_SYMBOLS) vocab[symbol] = Object.keys(vocab).length;
  let next = 256;
  for (const [left, right] of merges) vocab[left + right] = next++;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [specialToken(next, END_OF_TEXT), specialToken(next + 1, PAD)],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: bpeModel(vocab, merges, false),
  };
  return json as unknown as TokenizerJson;
}

/**
 * The `model` of a byte-level tokenizer.json.
 * @param ignoreMerges whether a word that is a token is that token, whatever its merges would give
 */
export function bpeModel(
  vocab: Readonly<Record<string, number>>,
  merges: readonly (readonly [string, string])[],
  ignoreMerges: boolean,
) {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: ignoreMerges,
    vocab,
    // As texts: tokenizers before 0.20 can't read pairs. No symbol of a byte holds a space.
    merges: merges.map((pair) => pair.join(' ')),
  };
}

/** GPT-2's printable stand-in for each byte, by byte value. */
export const BYTE_SYMBOLS: readonly string[] = byteSymbols();

function byteSymbols(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

/** How Llama-3 (and GPT-4) cuts text into words before merging. */
export const LLAMA3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| " +
  '?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/**
 * Whether a tokenizer.json is known to split text at spaces, giving each to the word after it: byte-level, by
 * the pattern of GPT-2 or of Llama-3.
 */
export function cutsAtSpaces({
  normalizer,
  pre_tokenizer: splitting,
  added_tokens: added = [],
}: TokenizerJson): boolean {
  if (normalizer || added.some(({ content, lstrip, rstrip }) => content.includes(' ') || lstrip || rstrip))
    return false;
  const [first, second, ...more] =
    splitting?.type === 'Sequence' ? (splitting.pretokenizers ?? []) : [splitting];
  const isByteLevel = (step: PreTokenizerJson | null | undefined, usesRegex: boolean) =>
    step?.type === 'ByteLevel' && !step.add_prefix_space && (step.use_regex ?? true) === usesRegex;
  if (second === undefined) return isByteLevel(first, true);
  return (
    more.length === 0 &&
    first?.type === 'Split' &&
    first.pattern?.Regex === LLAMA3_PATTERN &&
    isByteLevel(second, false)
  );
}
