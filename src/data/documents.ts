/** Where the documents of a split lie, found without keeping the place of each in memory. */

import type { TokenStream } from '../artifacts/index.ts';
import { elementAt } from '../elements.ts';

/** Documents whose beginnings are not kept but found by adding up lengths from the last one that is. */
const STRIDE = 256;

/** A document in the row of a split's tokens. */
export interface DocumentPlace {
  /** Its first token. */
  readonly start: number;
  readonly length: number;
  /** Tokens at its beginning that a model is not to learn. */
  readonly promptLength: number;
}

export class DocumentPlaces {
  readonly #stream: TokenStream;
  /** The first token of every STRIDE-th document. */
  readonly #firstToken: Float64Array;

  constructor(stream: TokenStream) {
    this.#stream = stream;
    this.#firstToken = new Float64Array(Math.ceil(stream.numDocuments / STRIDE));
    let tokens = 0;
    for (let mark = 0; mark < this.#firstToken.length; mark++) {
      this.#firstToken[mark] = tokens;
      for (const { length } of this.#from(mark)) tokens += length;
    }
    if (tokens !== stream.length) throw stream.wrongLengths();
  }

  /** A document by its number. */
  place(document: number): DocumentPlace {
    return elementAt(this.#from(Math.floor(document / STRIDE)), document % STRIDE);
  }

  /** The documents that have a token in a range. */
  within(start: number, count: number): DocumentPlace[] {
    const found: DocumentPlace[] = [];
    for (let mark = this.#markOf(start); mark < this.#firstToken.length; mark++) {
      if (elementAt(this.#firstToken, mark) >= start + count) break;
      found.push(
        ...this.#from(mark).filter(
          (place) => place.start < start + count && place.start + place.length > start,
        ),
      );
    }
    return found;
  }

  /** The documents from a mark to the next. */
  #from(mark: number): DocumentPlace[] {
    const first = mark * STRIDE;
    const count = Math.min(STRIDE, this.#stream.numDocuments - first);
    const prompts = this.#stream.promptLengths(first, count);
    let start = elementAt(this.#firstToken, mark);
    return Array.from(this.#stream.documentLengths(first, count), (length, i) => {
      const place = { start, length, promptLength: elementAt(prompts, i) };
      if (place.promptLength > length) throw this.#stream.wrongPrompts();
      start += length;
      return place;
    });
  }

  /** The last mark at or before a token, by bisection. */
  #markOf(token: number): number {
    let [low, high] = [0, this.#firstToken.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (elementAt(this.#firstToken, middle) <= token) low = middle;
      else high = middle;
    }
    return low;
  }
}
