import { byteLevelJson, type Tokenizer, type TokenizerJson } from './tokenizer.ts';

/** Each UTF-8 byte is a token: ids 0 … 255, end-of-text 256, padding 257. */
export class ByteTokenizer implements Tokenizer {
  readonly vocabSize = 258;
  readonly endOfTextId = 256;
  readonly padId = 257;
  readonly isCutAtSpaces = true;

  async encode(text: string): Promise<Uint8Array> {
    return Buffer.from(text, 'utf8');
  }

  async encodeBatch(texts: readonly string[]): Promise<Uint8Array[]> {
    return texts.map((text) => Buffer.from(text, 'utf8'));
  }

  encodeAsText(text: string): Promise<Uint8Array> {
    return this.encode(text);
  }

  async decode(ids: readonly number[]): Promise<string> {
    return Buffer.from(ids.filter((id) => id < 256)).toString('utf8');
  }

  toJson(): string {
    return JSON.stringify(byteLevelJson([], false));
  }

  /** Whether a tokenizer.json is the one that toJson writes. */
  static describes(json: TokenizerJson): boolean {
    return JSON.stringify(json) === JSON.stringify(byteLevelJson([], false));
  }
}
