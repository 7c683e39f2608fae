/** Text that grows token by token, given out in pieces that stay as they are. */

import type { Tokenizer } from '../data/index.ts';

/** What is needed of a tokenizer. */
type TextOfTokens = Pick<Tokenizer, 'endOfTextId' | 'decode'>;

/** Why a text ended. */
export type TextEnd = 'stop' | 'end of text' | 'length';

export interface TextLimits {
  /** Tokens that count, at most. */
  readonly maxTokens: number;
  /** Texts that end it; they are no part of it. */
  readonly stop?: readonly string[] | undefined;
}

/**
 * The text of tokens as they are made. What may still change is held back: a character whose bytes are not
 * all there yet, and the beginning of a stop text. All pieces together are the text.
 */
export class GrowingText {
  readonly #tokenizer: TextOfTokens;
  readonly #maxTokens: number;
  readonly #stop: readonly string[];
  readonly #ids: number[] = [];
  #given = '';
  #text = '';
  #end: TextEnd | undefined;

  constructor(tokenizer: TextOfTokens, { maxTokens, stop = [] }: TextLimits) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
    this.#stop = stop;
  }

  /** Tokens so far: none behind end-of-text, and no more than are allowed. */
  get numTokens(): number {
    return this.#ids.length;
  }

  /** Why it has ended; undefined where more tokens count. */
  get end(): TextEnd | undefined {
    return this.#end;
  }

  /** The text as it is now, whether it was given out or not. */
  get text(): string {
    return this.#text;
  }

  /** Adds tokens. @returns the piece that is certain now; often ''. */
  async add(ids: Iterable<number>): Promise<string> {
    for (const id of ids) this.#addOne(id);
    const text = (await this.#tokenizer.decode(this.#ids)).replace(/\uFFFD+$/, '');
    return this.#give(text, (whole) => whole.slice(0, whole.length - stopBegun(whole, this.#stop)));
  }

  /** No more tokens come. @returns the last piece */
  async finish(): Promise<string> {
    this.#end ??= 'length';
    if (this.#end === 'stop') return '';
    return this.#give(await this.#tokenizer.decode(this.#ids), (whole) => whole);
  }

  #addOne(id: number): void {
    if (this.#end !== undefined && this.#end !== 'length') return;
    // Also right behind the last token that counts.
    if (id === this.#tokenizer.endOfTextId) this.#end = 'end of text';
    else if (this.#end === undefined) this.#ids.push(id);
    if (this.#ids.length === this.#maxTokens) this.#end ??= 'length';
  }

  #give(text: string, certain: (text: string) => string): string {
    const stopsAt = firstStop(text, this.#stop);
    if (stopsAt !== undefined) this.#end = 'stop';
    this.#text = stopsAt === undefined ? text : text.slice(0, stopsAt);
    const whole = stopsAt === undefined ? certain(text) : this.#text;
    // A tokenizer that changes what came before, which byte-level ones never do, is waited for.
    if (!whole.startsWith(this.#given)) return '';
    const piece = whole.slice(this.#given.length);
    this.#given = whole;
    return piece;
  }
}

/**
 * Where the stop text begins that ends first, the longest of those that end there: the one that would be found
 * character by character, so it does not matter in what pieces the text came.
 */
function firstStop(text: string, stop: readonly string[]): number | undefined {
  let found: { begin: number; end: number } | undefined;
  for (const ending of stop) {
    const begin = text.indexOf(ending);
    const end = begin + ending.length;
    if (begin < 0 || (found && (end > found.end || (end === found.end && begin > found.begin)))) continue;
    found = { begin, end };
  }
  return found?.begin;
}

/** How many characters at the end of a text may be the beginning of a stop text. */
function stopBegun(text: string, stop: readonly string[]): number {
  const longest = Math.max(0, ...stop.map(({ length }) => length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const ending = text.slice(text.length - length);
    if (stop.some((one) => one.length > length && one.startsWith(ending))) return length;
  }
  return 0;
}
