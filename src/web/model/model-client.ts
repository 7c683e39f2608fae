/** A model in a worker of its own, as the page asks it. */

import type { ModelFacts } from '../../publish/page-facts.ts';
import type { CallName, Calls, Notice, OpenRequest, Reply } from './protocol.ts';

type Given<Name extends CallName> = Parameters<Calls[Name]>[0];
type Answer<Name extends CallName> = ReturnType<Calls[Name]>;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onNotice: (notice: Notice) => void;
}

export class ModelClient {
  readonly facts: ModelFacts;
  readonly #worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(facts: ModelFacts) {
    this.facts = facts;
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(new Error(message || 'the worker could not be started'));
  }

  open(engine: OpenRequest['engine'], onBytes: (bytes: number) => void): Promise<Answer<'open'>> {
    const base = document.baseURI;
    return this.ask('open', { facts: this.facts, base, engine }, (notice) => {
      if ('bytes' in notice) onBytes(notice.bytes);
    });
  }

  ask<Name extends CallName>(
    call: Name,
    given: Given<Name>,
    onNotice: (notice: Notice) => void = () => {},
  ): Promise<Answer<Name>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject, onNotice });
      this.#worker.postMessage({ id, call, given });
    });
  }

  /** Ends the text that is being written. */
  stop(): void {
    this.#worker.postMessage({ id: this.#next++, call: 'stop' });
  }

  close(): void {
    this.#worker.terminate();
    this.#fail(new Error('the model was closed'));
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ('notice' in reply) {
      waiting.onNotice(reply.notice);
      return;
    }
    this.#waiting.delete(reply.id);
    if ('problem' in reply) waiting.reject(new Error(reply.problem));
    else waiting.resolve(reply.answer);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
