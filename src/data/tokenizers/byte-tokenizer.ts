import { ownValue } from '../../elements.ts';
import { statedChat } from './chat.ts';
import {
  byteLevelJson,
  type Chat,
  END_OF_TEXT,
  PAD,
  type Tokenizer,
  type TokenizerJson,
} from './tokenizer.ts';
import { type StatedTokenizer, tokenizerFiles } from './tokenizer-config.ts';

const [END_OF_TEXT_ID, PAD_ID] = [256, 257];
const SPECIALS: Readonly<Record<string, number>> = { [END_OF_TEXT]: END_OF_TEXT_ID, [PAD]: PAD_ID };
const NAMES = { endOfText: END_OF_TEXT, pad: PAD, beginning: END_OF_TEXT };
const SPECIAL_NAME = /(<\|endoftext\|>|\[PAD\])/;

/** Each UTF-8 byte is a token: ids 0 … 255, end-of-text 256, padding 257. */
export class ByteTokenizer implements Tokenizer {
  readonly vocabSize = 258;
  readonly endOfTextId = END_OF_TEXT_ID;
  readonly padId = PAD_ID;
  readonly beginning = [];
  readonly ending = [];
  readonly isCutAtSpaces = true;
  readonly chat: Chat | undefined;
  readonly #chatTemplate: string | undefined;

  /** @param stated what its folder says of it, of which the chat template counts */
  constructor(stated?: StatedTokenizer) {
    this.chat = statedChat(stated, NAMES);
    this.#chatTemplate = this.chat?.template;
  }

  async encode(text: string): Promise<ArrayLike<number>> {
    return idsOf(text);
  }

  async encodeBatch(texts: readonly string[]): Promise<ArrayLike<number>[]> {
    return texts.map(idsOf);
  }

  async encodeAsText(text: string): Promise<ArrayLike<number>> {
    return bytesOf(text);
  }

  async decode(ids: readonly number[]): Promise<string> {
    return decoder.decode(Uint8Array.from(ids.filter((id) => id < 256)));
  }

  toJson(): string {
    return JSON.stringify(byteLevelJson([], false));
  }

  toFiles(): Record<string, string> {
    const stated = this.#chatTemplate === undefined ? undefined : { chatTemplate: this.#chatTemplate };
    return tokenizerFiles(byteLevelJson([], false), NAMES, stated);
  }

  /** Whether a tokenizer.json is the one that toJson writes. */
  static describes(json: TokenizerJson): boolean {
    return JSON.stringify(json) === JSON.stringify(byteLevelJson([], false));
  }
}

const encoder = new TextEncoder();
/** Of a whole text each time; a byte order mark is a character like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** The bytes of a text, and the special tokens whose names stand in it. */
function idsOf(text: string): ArrayLike<number> {
  if (!SPECIAL_NAME.test(text)) return bytesOf(text);
  return text.split(SPECIAL_NAME).flatMap((piece) => ownValue(SPECIALS, piece) ?? [...bytesOf(piece)]);
}
