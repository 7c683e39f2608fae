/** A server on this machine that speaks the hub's API, or fails as a test wants. */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Path in the repository → contents. Names that end with .safetensors or .parquet are kept elsewhere, as by LFS. */
export type Repository = Readonly<Record<string, string | Buffer>>;

/** Answers a request in place of the hub, and says whether it did. @param asked how often this path was asked */
export type Fault = (request: IncomingMessage, response: ServerResponse, asked: number) => boolean;

export interface HubServer {
  readonly endpoint: string;
  /** Method-less lines: `/api/models/…`, `/storage/…`. */
  readonly asked: string[];
  /** Of each request to storage. */
  readonly storageHeaders: IncomingMessage['headers'][];
  /** What is there from now on. @param repositories `owner/name` or `datasets/owner/name` */
  serve(repositories: Readonly<Record<string, Repository>>): void;
  failBy(fault: Fault | undefined): void;
  close(): Promise<void>;
}

export const sha256 = (contents: string | Buffer) => createHash('sha256').update(contents).digest('hex');

const gitOid = (contents: Buffer) =>
  createHash('sha1').update(`blob ${contents.length}\0`).update(contents).digest('hex');

const isLarge = (path: string) => /\.(safetensors|parquet|bin)$/.test(path);

/** A commit that follows from what is in it. */
export const commitOf = (repository: Repository) =>
  createHash('sha1')
    .update(JSON.stringify(Object.entries(repository).map(([p, c]) => [p, String(c)])))
    .digest('hex');

/** So many entries come at once, so that a list has several pages. */
const PAGE = 2;

export async function serveHub(t: ExecutionContext<unknown>): Promise<HubServer> {
  const [asked, storageHeaders]: [string[], IncomingMessage['headers'][]] = [[], []];
  const counts = new Map<string, number>();
  let repositories: Readonly<Record<string, Repository>> = {};
  let fault: Fault | undefined;

  const contentsIn = (repository: Repository, path: string) => {
    const contents = repository[path];
    return contents === undefined ? undefined : Buffer.from(contents);
  };
  const listen = (answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void) =>
    new Promise<{ server: Server; origin: string }>((ready) => {
      const server = createServer((request, response) => {
        const url = new URL(request.url ?? '', 'http://127.0.0.1');
        const path = decodeURIComponent(url.pathname);
        asked.push(path);
        const number = counts.get(path) ?? 0;
        counts.set(path, number + 1);
        if (!fault?.(request, response, number)) answer(request, response, url);
      });
      server.listen(0, '127.0.0.1', () =>
        ready({ server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
      );
    });

  // Storage has an origin of its own, as the hub's has.
  const storage = await listen((request, response, url) => {
    storageHeaders.push(request.headers);
    const sum = url.pathname.split('/').at(-1);
    const all = Object.values(repositories).flatMap((repository) => Object.values(repository));
    const contents = all.map((one) => Buffer.from(one)).find((one) => sha256(one) === sum);
    if (contents) sendRange(request, response, contents, {});
    else fail(response, 404, '');
  });
  const hub = await listen((request, response, url) => {
    const path = decodeURIComponent(url.pathname);
    const [, kind, name = '', rest = ''] =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(.*)$/.exec(path) ?? [];
    if (kind) {
      const repository = repositories[kind === 'datasets' ? `datasets/${name}` : name];
      if (!repository) return fail(response, 404, 'RepoNotFound');
      const commit = commitOf(repository);
      const [, what, revision] = /^(revision|tree)\/(.*)$/.exec(rest) ?? [];
      if (revision !== 'main' && revision !== commit) return fail(response, 404, 'RevisionNotFound');
      return what === 'revision'
        ? json(response, {
            _id: '1',
            id: name,
            sha: commit,
            private: false,
            tags: [],
            downloads: 0,
            likes: 0,
          })
        : sendTree(response, repository, url, hub.origin);
    }
    const file = /^\/(?:(datasets)\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.*)$/.exec(path);
    const repository = file && repositories[file[1] ? `datasets/${file[2]}` : (file[2] ?? '')];
    if (!file || !repository) return fail(response, 404, 'RepoNotFound');
    const contents = contentsIn(repository, file[4] ?? '');
    if (!contents) return fail(response, 404, 'EntryNotFound');
    response.setHeader('x-repo-commit', commitOf(repository));
    if (!isLarge(file[4] ?? ''))
      return sendRange(request, response, contents, { etag: `"${gitOid(contents)}"` });
    const sum = sha256(contents);
    response.writeHead(302, {
      location: `${storage.origin}/storage/${sum}?signature=secret`,
      'x-linked-size': String(contents.length),
      'x-linked-etag': `"${sum}"`,
    });
    response.end();
  });
  const close = async () => {
    for (const { server } of [hub, storage]) {
      server.closeAllConnections();
      server.close();
    }
  };
  t.teardown(close);
  return {
    endpoint: hub.origin,
    asked,
    storageHeaders,
    serve: (next) => {
      repositories = next;
      asked.length = 0;
      counts.clear();
    },
    failBy: (next) => {
      fault = next;
    },
    close,
  };
}

function sendTree(response: ServerResponse, repository: Repository, url: URL, origin: string): void {
  const entries = Object.entries(repository).map(([path, given]) => {
    const contents = Buffer.from(given);
    const lfs = { oid: sha256(contents), size: contents.length, pointerSize: 120 };
    return {
      type: 'file',
      path,
      size: contents.length,
      oid: gitOid(contents),
      ...(isLarge(path) ? { lfs } : {}),
    };
  });
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const next = new URL(url.pathname + url.search, origin);
  next.searchParams.set('cursor', String(start + PAGE));
  if (start + PAGE < entries.length) response.setHeader('link', `<${next.href}>; rel="next"`);
  json(response, entries.slice(start, start + PAGE));
}

function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  contents: Buffer,
  headers: Record<string, string>,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'content-length': contents.length, etag: '"whole"', ...headers });
    response.end(contents);
    return;
  }
  const [start, end] = [Number(from), Math.min(Number(to || contents.length - 1), contents.length - 1)];
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end}/${contents.length}`,
    'content-length': end - start + 1,
    etag: '"part"',
    ...headers,
  });
  response.end(contents.subarray(start, end + 1));
}

export function fail(response: ServerResponse, status: number, code: string, headers = {}): true {
  response.writeHead(status, { 'content-type': 'application/json', 'x-error-code': code, ...headers });
  response.end(JSON.stringify({ error: `no: ${code || status}` }));
  return true;
}

function json(response: ServerResponse, document: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(document));
}
