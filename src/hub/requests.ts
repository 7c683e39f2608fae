/** Requests to the hub: over proxies, with the user's token, tried again where that helps, errors in words. */

import type { Dispatcher } from 'undici';
import { CalmError, hubDenied, hubNotFound, hubRefused, hubUnreachable, messageOf } from '../errors.ts';
import { environmentDispatcher, proxyVariable } from '../http/proxies.ts';
import { PassingFailure, type RetryPolicy, withRetries } from '../http/retries.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import type { HubAddress } from './address.ts';
import { hubEndpoint, hubToken } from './settings.ts';

export interface HubRequestOptions {
  readonly signal?: AbortSignal;
  /** Told of waits that take more than a second. */
  readonly onWait?: (problem: string, waitMs: number) => void;
  /** Before the first retry; it doubles with each. */
  readonly firstWaitMs?: number;
}

const RETRIES = 5;
const FIRST_WAIT_MS = 500;
/** A server that asks for a longer wait is refused. */
const LONGEST_WAIT_MS = 5 * 60_000;
/** Of an answer that is an error anyway. */
const ERROR_CHARACTERS = 2000;

/** What the user may read of an address: without the signature that a link to storage carries. */
const shown = (url: string) => url.replace(/\?.*$/, '');

export class HubRequests {
  readonly endpoint = hubEndpoint();
  readonly #address: HubAddress;
  readonly #options: HubRequestOptions;
  readonly #token = hubToken();
  #dispatcher: Promise<Dispatcher> | undefined;
  /** What made the latest request fail; a stream tells its reader less. */
  #failure: unknown;

  constructor(address: HubAddress, options: HubRequestOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** As `fetch`, for the hub's client library. Whatever is not an answer is thrown. */
  readonly fetch = (async (input: string | URL, init: RequestInit = {}) => {
    try {
      return await this.#ask(String(input), init);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }) as typeof fetch;

  /**
   * Does something that asks the hub, again where it fails for a reason that may pass.
   * @param progress a number that grows with what has come; a failure after some of it costs no retry
   * @param retries how often, besides those
   */
  async again<T>(work: () => Promise<T>, progress = () => 0, retries = RETRIES): Promise<T> {
    const { signal, onWait = () => {}, firstWaitMs = FIRST_WAIT_MS } = this.#options;
    const policy: RetryPolicy = { retries, firstWaitMs, onWait };
    const attempt = async () => {
      this.#failure = undefined;
      try {
        return await work();
      } catch (error) {
        signal?.throwIfAborted();
        throw this.#asPassing(this.#failure ?? error);
      }
    };
    return withRetries(attempt, progress, policy, signal);
  }

  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }

  async #ask(url: string, init: RequestInit): Promise<Response> {
    this.#dispatcher ??= environmentDispatcher();
    const { fetch: ask } = await import('undici');
    const headers = new Headers(init.headers);
    const isHub = new URL(url).origin === new URL(this.endpoint).origin;
    // Never to storage elsewhere; a redirect to another origin loses it too.
    if (this.#token && isHub) headers.set('authorization', `Bearer ${this.#token}`);
    const { signal } = this.#options;
    const response = (await ask(url, {
      ...(init as object),
      headers: Object.fromEntries(headers),
      dispatcher: await this.#dispatcher,
      ...(signal ? { signal } : {}),
    })) as unknown as Response;
    if (!response.ok) throw await this.#refusal(response);
    return response;
  }

  async #refusal(response: Response): Promise<Error> {
    const { status, headers } = response;
    const code = headers.get('x-error-code') ?? '';
    const text = (await response.text().catch(() => '')).slice(0, ERROR_CHARACTERS);
    const said = headers.get('x-error-message') ?? errorOf(text) ?? '';
    const { text: name, revision } = this.#address;
    if (code === 'RepoNotFound' || (status === 404 && code === '')) return hubNotFound(name, !this.#token);
    if (code === 'RevisionNotFound') return hubNotFound(name, false, `revision "${revision}"`);
    if (status === 401 || status === 403)
      return hubDenied(name, `${this.endpoint}/${this.#repository()}`, this.#token !== undefined, said);
    const refused = hubRefused(shown(response.url), status, said);
    if (status !== 408 && status !== 429 && status < 500) return refused;
    const waitMs = retryAfterMs(headers.get('retry-after') ?? '');
    if (waitMs !== undefined && waitMs > LONGEST_WAIT_MS) return refused;
    return new PassingFailure(refused, {
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
      isBusy: status === 429 || status === 503,
    });
  }

  #repository(): string {
    const { type, name } = this.#address;
    return type === 'dataset' ? `datasets/${name}` : name;
  }

  /** Whatever neither an answer nor the disk brought about is the network's. */
  #asPassing(error: unknown): unknown {
    const isDisk = (error as NodeJS.ErrnoException | null)?.syscall === 'write';
    if (error instanceof CalmError || error instanceof PassingFailure || isDisk) return error;
    const cause = (error as { cause?: unknown } | null)?.cause ?? error;
    const reason =
      messageOf(cause) || String((cause as { code?: unknown })?.code ?? 'the connection broke off');
    const unreachable = hubUnreachable(this.endpoint, reason, proxyVariable(new URL(this.endpoint).protocol));
    return new PassingFailure(unreachable, { isBusy: true });
  }
}

/** What an error document of the hub says. */
function errorOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}
