/**
 * Requests to a server over undici, which is the same in every Node: proxies, redirects, a time limit, a
 * limit of what is read.
 */

import type { Dispatcher } from 'undici';
import {
  CalmError,
  endpointCertificate,
  endpointRedirect,
  endpointRefused,
  endpointTooLong,
  endpointUnreachable,
  messageOf,
} from '../../errors.ts';
import { environmentDispatcher, proxyVariable } from '../../http/proxies.ts';
import { PassingFailure } from '../../http/retries.ts';
import { shownUrl, withoutSecrets } from './address.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string;
  readonly text: string;
}

type Response = Dispatcher.ResponseData;

interface TransportOptions {
  readonly apiKey: string | undefined;
  /** For a request with all its redirects and its answer. */
  readonly timeoutMs: number;
}

const MOST_REDIRECTS = 5;
/** Of an answer that is an error anyway. */
const ERROR_BYTES = 2 ** 16;

export class EndpointTransport {
  readonly #options: TransportOptions;
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Sends JSON and reads the whole answer, whatever its status.
   * @param limitBytes a longer answer is an error
   */
  async post(url: URL, body: object, limitBytes: number, signal?: AbortSignal): Promise<Reply> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    const limit = signal ? AbortSignal.any([timeout, signal]) : timeout;
    this.#dispatcher ??= environmentDispatcher();
    const dispatcher = await this.#dispatcher;
    try {
      const response = await this.#follow(url, JSON.stringify(body), dispatcher, limit);
      return await read(response, url, limitBytes);
    } catch (error) {
      signal?.throwIfAborted();
      throw timeout.aborted
        ? this.#passing(url, `no answer within ${this.#options.timeoutMs / 1000} s`)
        : this.#failure(url, error);
    }
  }

  /** Ends what is still under way and lets go of the connections. */
  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }

  /** Follows redirects that keep the request as it is, as long as they stay with the server. */
  async #follow(url: URL, body: string, dispatcher: Dispatcher, signal: AbortSignal): Promise<Response> {
    const { request } = await import('undici');
    const { apiKey } = this.#options;
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
    };
    let place = url;
    for (let redirects = 0; ; redirects++) {
      const response = await request(place, { method: 'POST', headers, body, signal, dispatcher });
      const { statusCode } = response;
      if (statusCode < 300 || statusCode >= 400) return response;
      await response.body.dump({ limit: ERROR_BYTES, signal });
      const next = targetOf(response, place);
      const isKept = statusCode === 307 || statusCode === 308;
      if (!next || !isKept || !isSameServer(place, next) || redirects === MOST_REDIRECTS)
        throw endpointRedirect(shownUrl(url), statusCode, next ? shownUrl(next) : 'nowhere');
      place = next;
    }
  }

  /** What undici and the system throw has a code; whatever has none is a defect. */
  #failure(url: URL, error: unknown): unknown {
    const code = codeOf(error);
    if (error instanceof CalmError || code === '') return error;
    const reason = withoutSecrets(reasonOf(error), this.#options.apiKey);
    if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code)) return endpointCertificate(shownUrl(url), reason);
    const proxyStatus = proxyRefusal(reason);
    if (proxyStatus) return endpointRefused(shownUrl(url), proxyStatus, 'the proxy lets no request pass');
    return code === 'UND_ERR_INVALID_ARG' ? error : this.#passing(url, reason);
  }

  #passing(url: URL, reason: string): PassingFailure {
    const error = endpointUnreachable(shownUrl(url), reason, proxyVariable(url.protocol));
    return new PassingFailure(error, { isBusy: false });
  }
}

/** The status that a proxy refuses with, as undici words it; undefined where the reason is another. */
function proxyRefusal(reason: string): number | undefined {
  if (/proxy authentication required/i.test(reason)) return 407;
  const status = /Proxy response \((4\d\d)\)/.exec(reason)?.[1];
  return status === undefined ? undefined : Number(status);
}

function targetOf(response: Response, from: URL): URL | undefined {
  const location = headerOf(response, 'location');
  return location && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
}

/** The same origin, or the same host now encrypted: a key may go there too. */
function isSameServer(from: URL, to: URL): boolean {
  const isEncryptedNow =
    from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname;
  return !to.username && !to.password && (from.origin === to.origin || isEncryptedNow);
}

async function read(response: Response, url: URL, limitBytes: number): Promise<Reply> {
  const { statusCode: status, body } = response;
  const isGood = status >= 200 && status < 300;
  const pieces: Uint8Array[] = [];
  let numBytes = 0;
  for await (const piece of body) {
    pieces.push(piece as Uint8Array);
    numBytes += (piece as Uint8Array).length;
    if (numBytes > (isGood ? limitBytes : ERROR_BYTES)) break;
  }
  if (isGood && numBytes > limitBytes) throw endpointTooLong(shownUrl(url), limitBytes);
  return {
    status,
    contentType: headerOf(response, 'content-type'),
    retryAfter: headerOf(response, 'retry-after'),
    text: new TextDecoder().decode(Buffer.concat(pieces)),
  };
}

/** A header that comes several times counts once; empty where there is none. */
function headerOf({ headers }: Response, name: string): string {
  return [headers[name] ?? ''].flat()[0] ?? '';
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}

/** Several addresses of one host fail together, in an error without a message. */
function reasonOf(error: unknown): string {
  if (codeOf(error) === 'UND_ERR_SOCKET') return 'the connection broke off before the answer was whole';
  const parts = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
  return parts.filter(Boolean).join('; ') || codeOf(error) || 'the connection failed';
}
