/** A tokenizer.json in a browser, run by Hugging Face's own library in JavaScript. */

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { ByteTokenizer } from '../../data/tokenizers/byte-tokenizer.ts';
import type { Tokenizer, TokenizerJson } from '../../data/tokenizers/tokenizer.ts';
import type { ModelFacts } from '../../publish/page-facts.ts';

/** What is needed to write text; the ids are those of the tokenizer in Node. */
export type WebTokenizer = Pick<
  Tokenizer,
  'endOfTextId' | 'padId' | 'beginning' | 'encode' | 'encodeAsText' | 'decode'
>;

export function openWebTokenizer(
  json: TokenizerJson,
  { endOfTextId, padId, beginning }: Pick<ModelFacts, 'endOfTextId' | 'padId' | 'beginning'>,
): WebTokenizer {
  if (ByteTokenizer.describes(json)) return new ByteTokenizer();
  // What the library is to leave alone: nothing is surrounded, cleaned up, shortened or padded.
  const config = { clean_up_tokenization_spaces: false };
  const whole = new HuggingFaceTokenizer(json, config);
  const plain = new HuggingFaceTokenizer({ ...json, added_tokens: [] }, config);
  const idsOf = (tokenizer: HuggingFaceTokenizer, text: string) =>
    text === '' ? [] : tokenizer.encode(text, { add_special_tokens: false }).ids;
  return {
    endOfTextId,
    padId,
    beginning,
    encode: async (text) => idsOf(whole, text),
    encodeAsText: async (text) => idsOf(plain, text),
    decode: async (ids, keepSpecials = false) =>
      ids.length === 0
        ? ''
        : whole.decode([...ids], { skip_special_tokens: !keepSpecials, clean_up_tokenization_spaces: false }),
  };
}
