/**
 * Micro-batches by their global number, read ahead. What the next one reads from disk is read while a step
 * runs; what it computes is not: a running graph keeps this thread busy.
 */

import { disposeTree, type TensorTree } from '../engine/index.ts';

export class ReadAhead<Batch extends TensorTree> {
  readonly #draw: (number: number) => Batch | Promise<Batch>;
  readonly #end: number;
  #ahead: { readonly number: number; readonly batch: Promise<Batch> } | undefined;

  /** @param end the number behind the last one; nothing from there on is drawn ahead */
  constructor(draw: (number: number) => Batch | Promise<Batch>, end: number) {
    this.#draw = draw;
    this.#end = end;
  }

  /** A batch that was drawn ahead, or is drawn now. The caller frees it. */
  async take(number: number): Promise<Batch> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.number === number ? ahead.batch : this.#draw(number);
  }

  /** Draws a batch that is taken next. Whatever fails in it is thrown when its turn comes. */
  ask(number: number): void {
    if (number >= this.#end) return;
    const draw = async () => this.#draw(number);
    const batch = draw();
    batch.catch(() => {});
    this.#ahead = { number, batch };
  }

  /**
   * Waits for the batch that was drawn ahead, so that nothing is read any more; its error is of no matter
   * then.
   */
  async drop(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.batch.then(disposeTree, () => {});
  }
}
