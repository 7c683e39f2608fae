/** Work that takes turns: one piece at a time, in the order of asking. */

export class Turns {
  /** Ends when the last one who asked has had its turn. */
  #last: Promise<void> = Promise.resolve();

  /** Waits for a turn. @returns what ends it */
  async begin(): Promise<() => void> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }

  /** Works for one turn, and ends it however the work ends. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.begin();
    try {
      return await work();
    } finally {
      end();
    }
  }
}
