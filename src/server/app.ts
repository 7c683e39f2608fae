/**
 * The completions API that clients of OpenAI, vLLM and llama.cpp speak, for models of calm. Knows no socket: a
 * request in, a response out.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import { CalmError, messageOf } from '../errors.ts';
import { completionRequest, type RequestLimits } from './completion-request.ts';
import { answerHead, choiceOf, type Served, UsageCount, wholeAnswer, writeTexts } from './completions.ts';
import { ServerMetrics } from './server-metrics.ts';
import { QueueFull, WorkQueue } from './work-queue.ts';

export interface ServerOptions extends RequestLimits {
  readonly models: readonly [Served, ...Served[]];
  /** What a client must show as a bearer token; none where absent. */
  readonly apiKey?: string | undefined;
  /** Names that a request may be addressed to; all where absent. */
  readonly hosts?: readonly string[] | undefined;
  /** Pages from elsewhere that may ask; none where absent. */
  readonly allowOrigins?: readonly string[];
  readonly requestsAtOnce: number;
  readonly mostWaiting: number;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  /** Ends all work: the server stops. */
  readonly stopped: AbortSignal;
  /** Told of what is a defect of ours. */
  readonly onDefect?: (error: unknown) => void;
}

/** The statuses that an error is answered with. */
type Status = 400 | 401 | 403 | 404 | 413 | 429 | 500 | 503 | 504;

export function makeApp(options: ServerOptions): Hono {
  const queue = new WorkQueue(options.requestsAtOnce, options.mostWaiting);
  const metrics = new ServerMetrics(queue);
  const app = new Hono();
  app.use(async (c, next) => {
    const host = hostOf(c.req.header('host'));
    if (options.hosts && (host === undefined || !options.hosts.includes(host)))
      return refuse(c, 403, `This server does not answer for the host "${host ?? ''}".`);
    return next();
  });
  if (options.allowOrigins?.length) app.use('/v1/*', cors({ origin: [...options.allowOrigins] }));
  app.get('/health', (c) => c.json({ status: options.stopped.aborted ? 'stopping' : 'ok' }));
  app.use(async (c, next) => {
    if (options.apiKey !== undefined && !isKey(c.req.header('authorization'), options.apiKey))
      return refuse(c, 401, 'This server wants its key: Authorization: Bearer KEY.');
    return next();
  });
  app.get('/metrics', async (c) =>
    c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  app.get('/v1/models', (c) => c.json({ object: 'list', data: options.models.map(describe) }));
  app.get('/v1/models/:id', (c) => {
    const served = options.models.find(({ id }) => id === c.req.param('id'));
    return served ? c.json(describe(served)) : refuse(c, 404, unknownModel(options, c.req.param('id')));
  });
  const tooLarge = (c: Context) =>
    refuse(c, 413, `The request is larger than ${options.maxBodyBytes} bytes.`);
  app.use('/v1/completions', bodyLimit({ maxSize: options.maxBodyBytes, onError: tooLarge }));
  app.post('/v1/completions', (c) => complete(c, options, queue, metrics));
  app.post('/v1/chat/completions', (c) =>
    refuse(c, 404, 'These models have no chat template; ask /v1/completions.'),
  );
  app.notFound((c) => refuse(c, 404, `There is no ${c.req.method} ${c.req.path}.`));
  app.onError((error, c) => {
    options.onDefect?.(error);
    return refuse(c, 500, messageOf(error));
  });
  return app;
}

async function complete(
  c: Context,
  options: ServerOptions,
  queue: WorkQueue,
  metrics: ServerMetrics,
): Promise<Response> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const answered = (response: Response) => {
    metrics.answered(response.status, seconds());
    return response;
  };
  const body = await c.req.json().catch(() => undefined);
  if (body === undefined) return answered(refuse(c, 400, 'The request is no JSON.'));
  const parsed = completionRequest(options).safeParse(body);
  if (!parsed.success) return answered(refuse(c, 400, ...firstProblem(parsed.error)));
  const request = parsed.data;
  const served = modelNamed(options, request.model);
  if (!served) return answered(refuse(c, 404, unknownModel(options, request.model ?? ''), 'model'));
  const gone = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => gone.abort(new Error('the client has gone')));
  const late = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([gone.signal, late, options.stopped]);
  let leave: () => void;
  try {
    leave = await queue.enter(signal);
  } catch (error) {
    return answered(failure(c, error, { late, options }));
  }
  let isFirst = true;
  const onFirst = () => {
    if (isFirst) metrics.began(seconds());
    isFirst = false;
  };
  if (!request.stream) {
    try {
      const answer = await wholeAnswer(served, request, signal, onFirst);
      metrics.made(answer.usage.prompt_tokens, answer.usage.completion_tokens);
      return answered(c.json(answer));
    } catch (error) {
      return answered(failure(c, error, { late, options }));
    } finally {
      leave();
    }
  }
  // What is wrong with the request is known with the first piece: before it, an error is an answer of its own.
  const events = writeTexts(served, request, signal);
  const first = await events.next().catch((error: unknown) => {
    leave();
    return failure(c, error, { late, options });
  });
  if (first instanceof Response) return answered(first);
  return streamSSE(c, async (stream) => {
    stream.onAbort(() => gone.abort(new Error('the client has gone')));
    const head = answerHead(served);
    const count = new UsageCount();
    const send = (document: object) => stream.writeSSE({ data: JSON.stringify({ ...head, ...document }) });
    try {
      for (let { done, value } = first; !done && value; { done, value } = await events.next()) {
        onFirst();
        if ('text' in value) await send({ choices: [choiceOf(value.index, value.text)] });
        else {
          count.add(value);
          await send({ choices: [choiceOf(value.index, '', value.generated)] });
        }
      }
      if (request.stream_options?.include_usage) await send({ choices: [], usage: count.usage });
      await stream.writeSSE({ data: '[DONE]' });
      metrics.answered(200, seconds());
    } catch (error) {
      metrics.answered(statusOf(error, late, options), seconds());
      if (!gone.signal.aborted)
        await stream.writeSSE({ data: JSON.stringify(errorDocument(messageOf(error))) });
    } finally {
      metrics.made(count.usage.prompt_tokens, count.usage.completion_tokens);
      await events.return();
      leave();
    }
  });
}

interface Surroundings {
  readonly late: AbortSignal;
  readonly options: ServerOptions;
}

/** An error as an answer. */
function failure(c: Context, error: unknown, { late, options }: Surroundings): Response {
  const status = statusOf(error, late, options);
  if (status === 429) {
    c.header('retry-after', '1');
    return refuse(c, 429, 'Too many requests wait already; ask again in a second.');
  }
  if (status === 504) return refuse(c, 504, `It took longer than ${options.timeoutMs / 1000} s.`);
  if (status === 503) return refuse(c, 503, 'The server stops.');
  if (status === 500) options.onDefect?.(error);
  const hint = error instanceof CalmError && error.hint ? ` ${error.hint}` : '';
  return refuse(c, status, `${messageOf(error)}${hint}`);
}

function statusOf(error: unknown, late: AbortSignal, { stopped }: ServerOptions): Status {
  if (error instanceof QueueFull) return 429;
  if (stopped.aborted) return 503;
  if (late.aborted) return 504;
  return error instanceof CalmError ? 400 : 500;
}

function refuse(c: Context, status: Status, message: string, param: string | null = null): Response {
  return c.json(errorDocument(message, param, status), status);
}

/** As OpenAI's clients read it. */
function errorDocument(message: string, param: string | null = null, code: number = 500) {
  const type = code === 401 ? 'authentication_error' : code < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param, code } };
}

function firstProblem(error: z.ZodError): [message: string, param: string | null] {
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return [`${path || 'The request'}: ${issue?.message ?? 'is wrong'}`, path || null];
}

const describe = ({ id }: Served) => ({ id, object: 'model', created: 0, owned_by: 'calm' });

/** A single model need not be named; clients that must send a name may send this one. */
const ANY = 'default';

function modelNamed({ models }: ServerOptions, name: string | undefined): Served | undefined {
  return models.length === 1 && (!name || name === ANY) ? models[0] : models.find(({ id }) => id === name);
}

function unknownModel({ models }: ServerOptions, name: string): string {
  return `There is no model "${name}" here. There are: ${models.map(({ id }) => id).join(', ')}.`;
}

/** Without a port, in lower case. */
function hostOf(header: string | undefined): string | undefined {
  return header?.toLowerCase().replace(/:\d+$/, '');
}

/** Compared in constant time, also in its length. */
function isKey(header: string | undefined, key: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const [, shown = ''] = /^Bearer (.*)$/i.exec(header ?? '') ?? [];
  return timingSafeEqual(hash(shown), hash(key));
}
