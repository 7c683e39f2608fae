/**
 * Text ↔ token ids. Every tokenizer, also `bytes`, is stored as a tokenizer.json that Hugging Face tokenizers
 * loads with the same ids.
 */

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  /**
   * Names of special tokens in the text become these tokens, as Hugging Face has it; but not [PAD], which no
   * text may turn into.
   */
  encode(text: string): Promise<ArrayLike<number>>;
  /** Many texts at once, on all cores. */
  encodeBatch(texts: readonly string[]): Promise<readonly ArrayLike<number>[]>;
  /** Whether a text may be cut before a single space between two words without a change of its tokens. */
  readonly isCutAtSpaces: boolean;
  /** As `encode`, but what looks like a special token is text too. */
  encodeAsText(text: string): Promise<ArrayLike<number>>;
  /** Bytes that are no UTF-8 become U+FFFD. Special tokens are left out, or kept by their names. */
  decode(ids: readonly number[], keepSpecials?: boolean): Promise<string>;
  /** The tokenizer.json. */
  toJson(): string;
}

export const END_OF_TEXT = '<|endoftext|>';
export const PAD = '[PAD]';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

interface PreTokenizerJson {
  readonly type?: string;
  readonly pretokenizers?: readonly PreTokenizerJson[];
  readonly pattern?: { readonly Regex?: string };
  readonly add_prefix_space?: boolean;
  readonly use_regex?: boolean;
}

/** The parts of tokenizer.json that we read or write. */
export interface TokenizerJson {
  added_tokens?: AddedToken[];
  normalizer?: unknown;
  pre_tokenizer?: PreTokenizerJson | null;
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
  const special = (content: string) => ({
    id: next++,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(END_OF_TEXT), special(PAD)],
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
    merges,
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
  if (normalizer || added.some(({ content }) => content.includes(' '))) return false;
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
