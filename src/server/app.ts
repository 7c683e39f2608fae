/**
 * The completions API that clients of OpenAI, vLLM and llama.cpp speak, for models of calm. Knows no socket: a
 * request in, a response out.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { Answering, type AnsweringOptions, unknownModel } from './answering.ts';
import { CHAT, COMPLETION } from './answers.ts';
import { DEFECT, refuse } from './refusals.ts';
import { chatRequest, completionRequest } from './requests.ts';
import { ServerMetrics } from './server-metrics.ts';
import type { Served } from './texts.ts';
import { WorkQueue } from './work-queue.ts';

export interface ServerOptions extends AnsweringOptions {
  /** What a client must show as a bearer token; none where absent. */
  readonly apiKey?: string | undefined;
  /** Names that a request may be addressed to; all where absent. */
  readonly hosts?: readonly string[] | undefined;
  /** Pages from elsewhere that may ask; none where absent. */
  readonly allowOrigins?: readonly string[];
  readonly requestsAtOnce: number;
  readonly mostWaiting: number;
  readonly maxBodyBytes: number;
}

export function makeApp(options: ServerOptions): Hono {
  const queue = new WorkQueue(options.requestsAtOnce, options.mostWaiting);
  const metrics = new ServerMetrics(queue);
  const answering = new Answering(options, queue, metrics);
  const app = new Hono();
  app.use(async (c, next) => {
    const host = hostOf(c.req.header('host'));
    if (options.hosts && (host === undefined || !options.hosts.includes(host)))
      return refuse(c, 403, `This server does not answer for the host "${host ?? ''}".`);
    return next();
  });
  // A page may send what it can't read the answer of.
  app.use(async (c, next) => {
    const origin = c.req.header('origin');
    const isOwn = origin?.replace(/^https?:\/\//, '') === c.req.header('host');
    if (origin !== undefined && !isOwn && !options.allowOrigins?.includes(origin))
      return refuse(c, 403, `This server does not answer pages of ${origin}; --allow-origin lets it.`);
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
  app.use('/v1/*', bodyLimit({ maxSize: options.maxBodyBytes, onError: tooLarge }));
  const [completions, chats] = [completionRequest(options), chatRequest(options)];
  app.post('/v1/completions', (c) => answering.answer(c, COMPLETION, completions));
  app.post('/v1/chat/completions', (c) => answering.answer(c, CHAT, chats));
  app.notFound((c) => refuse(c, 404, `There is no ${c.req.method} ${c.req.path}.`));
  app.onError((error, c) => {
    if (hasGone(error, c)) return refuse(c, 499, 'The client has gone.');
    options.onDefect?.(error);
    return refuse(c, 500, DEFECT);
  });
  return app;
}

/** Whether a client went away while its request was read, which is no defect. */
function hasGone(error: NodeJS.ErrnoException, c: Context): boolean {
  return c.req.raw.signal.aborted || error.code === 'ECONNRESET';
}

const describe = ({ id }: Served) => ({ id, object: 'model', created: 0, owned_by: 'calm' });

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
