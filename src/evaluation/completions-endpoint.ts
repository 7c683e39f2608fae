/** Any model behind an OpenAI-compatible completions API as a sampler: POST {endpoint}/completions, as vLLM, llama.cpp, and others serve it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Tokenizer } from '../data/index.ts';
import { endpointAnswer, endpointRefused, endpointUnreachable, messageOf } from '../errors.ts';
import type { ContinuationSampler } from './brier-sampler.ts';

export interface CompletionsOptions {
  /** Base address, as in http://localhost:8000/v1. */
  readonly endpoint: string;
  /** Name of the model there. */
  readonly model: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string;
  /** Ours: prefixes are decoded with it, continuations encoded. */
  readonly tokenizer: Tokenizer;
  /** Tokens of the other model that are asked for; four of ours must fit in. */
  readonly maxTokens?: number;
  readonly timeoutMs?: number;
}

const MAX_TOKENS = 16;
const TIMEOUT_MS = 120_000;
/** Busy and failing servers are asked again this often, after 0.5 s, 1 s, 2 s, … or what they say. */
const RETRIES = 5;
const FIRST_WAIT_MS = 500;

/**
 * Samples at temperature 1, without top-k or top-p. The text of a continuation is encoded with our tokenizer and its first tokens are taken, so models of other
 * tokenizers can be compared; where tokens of both do not end at the same places the comparison is by text all the same.
 */
export class CompletionsEndpoint implements ContinuationSampler {
  readonly #options: CompletionsOptions;
  readonly #url: string;

  constructor(options: CompletionsOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/completions`;
  }

  async sample(
    prefix: Int32Array,
    numSamples: number,
    numTokens: number,
    signal?: AbortSignal,
  ): Promise<readonly Int32Array[]> {
    const { tokenizer, model, maxTokens = MAX_TOKENS } = this.#options;
    const prompt = await tokenizer.decode([...prefix]);
    const texts: string[] = [];
    // Some servers give one choice, whatever n is.
    while (texts.length < numSamples) {
      const asked = {
        model,
        prompt,
        n: numSamples - texts.length,
        max_tokens: maxTokens,
        temperature: 1,
        top_p: 1,
      };
      const given = this.#textsOf(await this.#post(asked, signal));
      texts.push(...given.slice(0, asked.n));
    }
    const ids: Int32Array[] = [];
    for (const text of texts) ids.push(Int32Array.from(await tokenizer.encode(text)).subarray(0, numTokens));
    return ids;
  }

  async #post(body: object, signal: AbortSignal | undefined): Promise<unknown> {
    const { apiKey, timeoutMs = TIMEOUT_MS } = this.#options;
    const headers = {
      'content-type': 'application/json',
      ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
    };
    for (let attempt = 0; ; attempt++) {
      const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
      const response = await fetch(this.#url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal: limit,
      }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw endpointUnreachable(this.#url, reasonOf(error));
      });
      const text = await response.text();
      if (response.ok) return parse(text) ?? this.#refuse(text);
      const isBusy = response.status === 429 || response.status >= 500;
      if (!isBusy || attempt === RETRIES) throw endpointRefused(this.#url, response.status, text);
      const wait = Number(response.headers.get('retry-after')) * 1000 || FIRST_WAIT_MS * 2 ** attempt;
      await sleep(wait, undefined, signal ? { signal } : {});
    }
  }

  #textsOf(answer: unknown): string[] {
    const choices = (answer as { choices?: { text?: unknown }[] }).choices;
    const texts = choices?.map(({ text }) => text);
    if (!texts?.length || !texts.every((text) => typeof text === 'string'))
      return this.#refuse(JSON.stringify(answer));
    return texts as string[];
  }

  #refuse(text: string): never {
    throw endpointAnswer(this.#url, text);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** fetch hides why it failed in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause ? messageOf(cause) : messageOf(error);
}
