/** Texts that are written ahead of whoever reads them, several at once, and read in their order. */

type Pieces<Piece, End> = AsyncGenerator<Piece, End, void>;

/** So many times those at once may be written and not yet read. */
const MOST_AHEAD = 4;

/**
 * Starts texts in their order, so many at once, and yields each of them to be read to its end before the next.
 * Leaving early ends all of them.
 * @param starts each begins a text
 */
export async function* aheadInOrder<Piece, End>(
  starts: Iterable<() => Pieces<Piece, End>>,
  atOnce: number,
): AsyncGenerator<Pieces<Piece, End>, void, void> {
  const texts: TextAhead<Piece, End>[] = [];
  const next = starts[Symbol.iterator]();
  let [numRunning, isOver] = [0, false];
  const startMore = () => {
    while (!isOver && numRunning < atOnce && texts.length < MOST_AHEAD * atOnce) {
      const { done, value } = next.next();
      if (done) return;
      numRunning++;
      const text = new TextAhead(value());
      texts.push(text);
      void text.whole.then(() => {
        numRunning--;
        startMore();
      });
    }
  };
  try {
    startMore();
    for (let [text] = texts; text; [text] = texts) {
      yield text.read();
      texts.shift();
      startMore();
    }
  } finally {
    isOver = true;
    await Promise.all(texts.map((text) => text.stop()));
  }
}

/** One text, kept as it comes. */
class TextAhead<Piece, End> {
  /** Ends when nothing more comes, well or not. */
  readonly whole: Promise<void>;
  readonly #source: Pieces<Piece, End>;
  readonly #pieces: Piece[] = [];
  #result: { readonly value: End } | { readonly error: unknown } | undefined;
  #wake = () => {};

  constructor(source: Pieces<Piece, End>) {
    this.#source = source;
    this.whole = this.#take();
  }

  /** What has come, and then what comes. An error is thrown where it came. */
  async *read(): Pieces<Piece, End> {
    for (;;) {
      for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) yield piece;
      if (this.#result) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if ('error' in this.#result) throw this.#result.error;
    return this.#result.value;
  }

  async stop(): Promise<void> {
    await this.#source.return(undefined as End);
    await this.whole;
  }

  async #take(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#source.next();
        if (done) {
          this.#result = { value };
          break;
        }
        this.#pieces.push(value);
        this.#wake();
      }
    } catch (error) {
      this.#result = { error };
    }
    this.#wake();
  }
}
