/**
 * The page over a folder of runs, and what it asks for. Knows no socket: a request in, a response out. Nothing
 * is changed unless control is allowed, and then by requests that only the page itself can make.
 */

import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { CalmError, messageOf } from '../errors.ts';
import type { PageFacts } from '../publish/index.ts';
import { resumeRun, stopRun } from './control.ts';
import { LogFollower } from './log-follower.ts';
import type { RunsOfFolder } from './run-facts.ts';
import { WebModels } from './web-models.ts';

export interface UiOptions {
  readonly runs: RunsOfFolder;
  /** The built page. */
  readonly page: string;
  /** Names that a request may be addressed to. */
  readonly hosts: readonly string[];
  /** What resumes a run; runs can be stopped and resumed only where it is there. */
  readonly executable?: string | undefined;
  /** Milliseconds between two looks at a run that is shown. */
  readonly everyMs?: number;
  readonly stopped: AbortSignal;
  /** Told of what is a defect of ours. */
  readonly onDefect?: (error: unknown) => void;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** A file directly in the page's folder or in its assets; nothing that could be a path elsewhere. */
const FILE = /^\/(?:assets\/)?[\w-][\w.-]*$/;
const MODEL_FILES = ['config.json', 'ae_config.json', 'tokenizer.json', 'model.safetensors'];

/** With what is said in the page itself: no other page may hold this one in a frame. */
const HEADERS = {
  'content-security-policy': "frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export interface Ui extends AsyncDisposable {
  readonly app: Hono;
}

export function makeUi(options: UiOptions): Ui {
  const { runs, hosts } = options;
  const models = new WebModels();
  const app = new Hono();
  app.use(async (c, next) => {
    const host = c.req.header('host')?.toLowerCase().replace(/:\d+$/, '');
    if (host === undefined || !hosts.includes(host))
      return c.json({ error: `This server does not answer for the host "${host ?? ''}".` }, 403);
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
    return undefined;
  });
  app.get('/page.json', (c) => c.json(pageFacts(options)));
  app.get('/api/runs', async (c) => c.json(await runs.list()));
  app.get('/api/runs/:name', async (c) => c.json(await runs.detail(c.req.param('name'))));
  app.get('/api/runs/:name/logged', async (c) => {
    const follower = new LogFollower();
    return c.json(follower.look(await runs.open(c.req.param('name'))));
  });
  app.get('/api/runs/:name/events', (c) => follow(c, options));
  app.get('/api/runs/:name/model.json', async (c) => {
    const { facts } = await models.of(await runs.open(c.req.param('name')));
    return c.json(facts);
  });
  app.get('/api/runs/:name/model/:file', async (c) => {
    const file = c.req.param('file');
    if (!MODEL_FILES.includes(file)) return c.notFound();
    const { directory } = await models.of(await runs.open(c.req.param('name')));
    return fileAnswer(c, join(directory, file));
  });
  app.get('/api/compare', async (c) => c.json(await runs.compare(c.req.queries('run') ?? [])));
  app.post('/api/runs/:name/:what{stop|resume}', (c) => control(c, options));
  app.get('*', (c) => {
    const path = c.req.path === '/' ? '/index.html' : c.req.path;
    return FILE.test(path) ? fileAnswer(c, join(options.page, path)) : c.notFound();
  });
  app.notFound((c) => c.json({ error: `There is no ${c.req.method} ${c.req.path}.` }, 404));
  app.onError((error, c) => {
    if (error instanceof CalmError) return c.json({ error: messageOf(error) }, 400);
    options.onDefect?.(error);
    return c.json({ error: messageOf(error) }, 500);
  });
  return { app, [Symbol.asyncDispose]: () => models[Symbol.asyncDispose]() };
}

function pageFacts({ runs, executable }: UiOptions): PageFacts {
  const folder = basename(runs.directory);
  return { formatVersion: 1, models: [], runs: { folder, allowsControl: executable !== undefined } };
}

async function fileAnswer(c: Context, file: string): Promise<Response> {
  try {
    const bytes = await readFile(file);
    return c.body(bytes, 200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
  } catch {
    return c.notFound();
  }
}

/** State and log lines of a run, from its beginning and as they come. */
async function follow(c: Context, { runs, stopped, everyMs = 1000 }: UiOptions): Promise<Response> {
  const name = c.req.param('name') as string;
  // A name that is none is an answer of its own.
  await runs.open(name);
  return streamSSE(c, async (stream) => {
    const follower = new LogFollower();
    let told = '';
    while (!stream.aborted && !stopped.aborted) {
      const state = JSON.stringify(await runs.state(name));
      if (state !== told) await stream.writeSSE({ event: 'state', data: state });
      told = state;
      for (const lines of follower.look(await runs.open(name)))
        await stream.writeSSE({ event: 'lines', data: JSON.stringify(lines) });
      await stream.sleep(everyMs);
    }
  });
}

/** Only the page may ask: browsers let no other one send this header without leave, which is never given. */
async function control(c: Context, { runs, executable, onDefect = () => {} }: UiOptions): Promise<Response> {
  if (executable === undefined)
    return c.json({ error: 'Runs are only shown here. calm ui --allow-control lets them be stopped.' }, 403);
  const origin = c.req.header('origin');
  if (c.req.header('x-calm') !== 'page' || (origin !== undefined && origin !== new URL(c.req.url).origin))
    return c.json({ error: 'Only the page itself may stop and resume runs.' }, 403);
  const run = await runs.open(c.req.param('name') as string);
  if (c.req.param('what') === 'stop') stopRun(run);
  else resumeRun(run, executable, onDefect);
  return c.json({ ok: true });
}
