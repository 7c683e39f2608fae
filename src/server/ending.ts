/** Why the work for a request ends before its answer is whole. */

export type EndReason = 'gone' | 'late' | 'stopped';

export class Ending implements Disposable {
  readonly signal: AbortSignal;
  reason: EndReason | undefined;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #stopped: AbortSignal;
  readonly #onStop = () => this.end('stopped');

  /**
   * @param client aborted when it has gone
   * @param stopped aborted when the server stops
   */
  constructor(client: AbortSignal, stopped: AbortSignal, timeoutMs: number) {
    this.signal = this.#controller.signal;
    this.#stopped = stopped;
    this.#timer = setTimeout(() => this.end('late'), timeoutMs);
    client.addEventListener('abort', () => this.end('gone'), { once: true });
    stopped.addEventListener('abort', this.#onStop, { once: true });
    if (client.aborted) this.end('gone');
    if (stopped.aborted) this.end('stopped');
  }

  end(reason: EndReason): void {
    this.reason ??= reason;
    this.#controller.abort(new Error(`the work ends: ${this.reason}`));
  }

  /** Lets go of clock and server, which outlive the request. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#stopped.removeEventListener('abort', this.#onStop);
  }
}
