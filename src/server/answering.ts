/** A request for texts: checked, queued, answered whole or in pieces. */

import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import { AnswerInPieces, type AnswerKind, type UsageCount, WholeAnswer } from './answers.ts';
import { Ending } from './ending.ts';
import { errorDocument, failureOf, firstProblem, refuse } from './refusals.ts';
import type { RequestLimits, TextRequest } from './requests.ts';
import type { ServerMetrics } from './server-metrics.ts';
import { type Served, type TextEvent, writeTexts } from './texts.ts';
import type { WorkQueue } from './work-queue.ts';

export interface AnsweringOptions extends RequestLimits {
  readonly models: readonly [Served, ...Served[]];
  readonly timeoutMs: number;
  /** Ends all work: the server stops. */
  readonly stopped: AbortSignal;
  /** Told of what is a defect of ours. */
  readonly onDefect?: (error: unknown) => void;
}

/** How long a client that reads nothing may keep an answer that has ended. */
const GRACE_MS = 1000;

export class Answering {
  readonly #options: AnsweringOptions;
  readonly #queue: WorkQueue;
  readonly #metrics: ServerMetrics;

  constructor(options: AnsweringOptions, queue: WorkQueue, metrics: ServerMetrics) {
    this.#options = options;
    this.#queue = queue;
    this.#metrics = metrics;
  }

  async answer(c: Context, kind: AnswerKind, schema: z.ZodType<TextRequest>): Promise<Response> {
    const clock = new Clock(this.#metrics);
    const body: unknown = await c.req.json().catch(() => undefined);
    if (body === undefined) return clock.answered(refuse(c, 400, 'The request is no JSON.'));
    const parsed = schema.safeParse(body);
    if (!parsed.success) return clock.answered(refuse(c, 400, ...firstProblem(parsed.error)));
    const served = modelNamed(this.#options, parsed.data.model);
    if (!served) {
      const message = unknownModel(this.#options, parsed.data.model ?? '');
      return clock.answered(refuse(c, 404, message, 'model'));
    }
    const ending = new Ending(c.req.raw.signal, this.#options.stopped, this.#options.timeoutMs);
    const work: Work = { kind, served, request: parsed.data, ending, clock };
    let [leave, isStreaming] = [() => {}, false];
    try {
      leave = await this.#queue.enter(ending.signal);
      const { maxPromptTokens } = this.#options;
      const events = writeTexts(served, parsed.data, { signal: ending.signal, maxPromptTokens });
      if (!parsed.data.streams) return clock.answered(c.json(await this.#whole(work, events)));
      // What is wrong with the request is known with the first piece: before it, an error is an answer.
      const first = await events.next();
      if (ending.signal.aborted) await events.return();
      ending.signal.throwIfAborted();
      isStreaming = true;
      return streamSSE(c, async (stream) => {
        try {
          await this.#inPieces(work, first, events, stream);
        } finally {
          ending[Symbol.dispose]();
          leave();
        }
      });
    } catch (error) {
      return clock.answered(this.#failed(c, error, ending));
    } finally {
      if (!isStreaming) {
        ending[Symbol.dispose]();
        leave();
      }
    }
  }

  async #whole({ kind, served, clock }: Work, events: AsyncIterable<TextEvent>): Promise<object> {
    const answer = new WholeAnswer(kind, served.id);
    try {
      for await (const event of events) {
        clock.began();
        answer.add(event);
      }
    } finally {
      clock.made(answer.count);
    }
    return answer.document;
  }

  async #inPieces(
    { kind, served, request, ending, clock }: Work,
    first: IteratorResult<TextEvent, void>,
    events: AsyncGenerator<TextEvent, void, void>,
    stream: SSEStreamingApi,
  ): Promise<void> {
    const { signal } = ending;
    const answer = new AnswerInPieces(kind, served.id);
    const send = (document: object) => stream.writeSSE({ data: JSON.stringify(document) });
    stream.onAbort(() => ending.end('gone'));
    // A client that reads nothing would hold its place for ever.
    const giveUp = () => setTimeout(() => stream.abort(), GRACE_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      for (let { done, value } = first; !done && value; { done, value } = await events.next()) {
        clock.began();
        await send(answer.documentOf(value));
        signal.throwIfAborted();
      }
      if (request.includesUsage) await send(answer.usage);
      await stream.writeSSE({ data: '[DONE]' });
      clock.ended(200);
    } catch (error) {
      const { status, message } = failureOf(error, ending, this.#options.timeoutMs);
      if (status === 500) this.#options.onDefect?.(error);
      clock.ended(status);
      if (ending.reason !== 'gone') await send(errorDocument(message, status));
    } finally {
      signal.removeEventListener('abort', giveUp);
      clock.made(answer.count);
      await events.return();
    }
  }

  #failed(c: Context, error: unknown, ending: Ending): Response {
    const { status, message } = failureOf(error, ending, this.#options.timeoutMs);
    if (status === 500) this.#options.onDefect?.(error);
    if (status === 429) c.header('retry-after', '1');
    return refuse(c, status, message);
  }
}

interface Work {
  readonly kind: AnswerKind;
  readonly served: Served;
  readonly request: TextRequest;
  readonly ending: Ending;
  readonly clock: Clock;
}

/** Tells the metrics of one request. */
class Clock {
  readonly #metrics: ServerMetrics;
  readonly #start = performance.now();
  #hasBegun = false;

  constructor(metrics: ServerMetrics) {
    this.#metrics = metrics;
  }

  /** There is a first piece. */
  began(): void {
    if (!this.#hasBegun) this.#metrics.began(this.#seconds);
    this.#hasBegun = true;
  }

  answered(response: Response): Response {
    this.ended(response.status);
    return response;
  }

  ended(status: number): void {
    this.#metrics.answered(status, this.#seconds);
  }

  made({ usage }: UsageCount): void {
    this.#metrics.made(usage.prompt_tokens, usage.completion_tokens);
  }

  get #seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
}

/** A single model need not be named; clients that must send a name may send this one. */
const ANY = 'default';

function modelNamed({ models }: AnsweringOptions, name: string | undefined): Served | undefined {
  return models.length === 1 && (!name || name === ANY) ? models[0] : models.find(({ id }) => id === name);
}

export function unknownModel({ models }: Pick<AnsweringOptions, 'models'>, name: string): string {
  return `There is no model "${name}" here. There are: ${models.map(({ id }) => id).join(', ')}.`;
}
