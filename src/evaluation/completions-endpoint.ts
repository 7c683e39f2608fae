/**
 * Any model behind an OpenAI-compatible completions API as a sampler: POST {endpoint}/completions, as vLLM,
 * llama.cpp, and others serve it.
 */

import type { Tokenizer } from '../data/index.ts';
import { endpointEcho } from '../errors.ts';
import { withRetries } from '../http/retries.ts';
import type { ContinuationSampler } from './brier-sampler.ts';
import { checkKey, completionsUrl, shownUrl, withoutSecrets } from './endpoint/address.ts';
import { textsOf } from './endpoint/answer.ts';
import { EndpointTransport, type Reply } from './endpoint/transport.ts';

export interface CompletionsOptions {
  /** Base address, as in http://localhost:8000/v1. */
  readonly endpoint: string;
  /** Name of the model there. */
  readonly model: string;
  /** Sent as a bearer token; shown nowhere. */
  readonly apiKey?: string;
  /** Where the key is from, for an error. */
  readonly keySource?: string;
  /** Ours: prefixes are decoded with it, continuations encoded. */
  readonly tokenizer: Tokenizer;
  /** Tokens of the other model that are asked for; four of ours must fit in. */
  readonly maxTokens?: number;
  /** For one request. */
  readonly timeoutMs?: number;
  /** How often a request is tried again that failed for a reason that may pass. */
  readonly retries?: number;
  /** Before the first retry; it doubles with each. */
  readonly firstWaitMs?: number;
  /** Longer waits that a server asks for are an error. */
  readonly maxRetryAfterMs?: number;
  /** Told of retries that take their time. */
  readonly note?: (message: string) => void;
}

const DEFAULTS = {
  apiKey: undefined,
  keySource: 'The key',
  maxTokens: 16,
  timeoutMs: 120_000,
  retries: 4,
  firstWaitMs: 200,
  maxRetryAfterMs: 60_000,
  note: () => {},
};

/** What is read of an answer: this, or so much for each completion, whichever is more. */
const ANSWER_BYTES = 2 ** 20;
const BYTES_PER_COMPLETION = 2 ** 16;

/** The whole distribution, as vLLM, SGLang and llama.cpp are asked for it; OpenAI's own API has no such fields. */
const UNTRUNCATED = { top_k: -1, min_p: 0 };

/**
 * Samples at temperature 1, without top-p, and without top-k and min-p where the server has them. The text of a continuation is encoded with our tokenizer
 * and its first tokens are taken, so models of other
 * tokenizers can be compared; where tokens of both do not end at the same places the comparison is by text
 * all the same.
 */
export class CompletionsEndpoint implements ContinuationSampler {
  readonly #options: CompletionsOptions & typeof DEFAULTS;
  readonly #url: URL;
  readonly #transport: EndpointTransport;
  #numAnswered = 0;
  /** Until the server has refused one of these fields. */
  #untruncated: Partial<typeof UNTRUNCATED> = UNTRUNCATED;
  /** Until when each problem has been said: requests that run at once meet it together. */
  readonly #saidUntil = new Map<string, number>();

  constructor(options: CompletionsOptions) {
    this.#options = { ...DEFAULTS, ...options } as CompletionsOptions & typeof DEFAULTS;
    const { apiKey, keySource, timeoutMs } = this.#options;
    this.#url = completionsUrl(options.endpoint);
    if (apiKey) checkKey(apiKey, keySource);
    this.#transport = new EndpointTransport({ apiKey, timeoutMs });
  }

  async sample(
    prefix: Int32Array,
    numSamples: number,
    numTokens: number,
    signal?: AbortSignal,
  ): Promise<readonly Int32Array[]> {
    const { tokenizer } = this.#options;
    const prompt = await tokenizer.decode([...prefix]);
    const texts: string[] = [];
    // Some servers give one choice, whatever n is.
    while (texts.length < numSamples) {
      const numMissing = numSamples - texts.length;
      texts.push(...(await this.#complete(prompt, numMissing, signal)).slice(0, numMissing));
    }
    const ids: Int32Array[] = [];
    for (const text of texts) ids.push(Int32Array.from(await tokenizer.encode(text)).subarray(0, numTokens));
    return ids;
  }

  /** Lets go of the connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  /** One completion or more. */
  #complete(prompt: string, n: number, signal: AbortSignal | undefined): Promise<string[]> {
    const { apiKey, model, maxTokens: max_tokens, maxRetryAfterMs } = this.#options;
    const body = { model, prompt, n, max_tokens, temperature: 1, top_p: 1 };
    const limitBytes = Math.max(ANSWER_BYTES, n * BYTES_PER_COMPLETION);
    const shown = shownUrl(this.#url);
    const quote = (text: string) => withoutSecrets(text, apiKey);
    const request = async () => {
      const post = () =>
        this.#transport.post(this.#url, { ...body, ...this.#untruncated }, limitBytes, signal);
      const first = await post();
      const reply = this.#refusesFields(first) ? await post() : first;
      const texts = textsOf(reply, { shown, quote, maxRetryAfterMs });
      if (isEcho(prompt, texts)) throw endpointEcho(shown);
      this.#numAnswered++;
      return texts;
    };
    const policy = { ...this.#options, onWait: this.#sayWait };
    return withRetries(request, () => this.#numAnswered, policy, signal);
  }

  /** Whether an answer is about a field that not every API has. Such fields are then left out, which is said. */
  #refusesFields({ status, text }: Reply): boolean {
    const isRefused = status >= 400 && status < 500 && /\b(top_k|min_p)\b/.test(text);
    if (isRefused && this.#untruncated === UNTRUNCATED) {
      this.#untruncated = {};
      this.#options.note(
        `${shownUrl(this.#url)} takes no top_k and min_p; whatever it has set for them stays in force`,
      );
    }
    return isRefused;
  }

  readonly #sayWait = (problem: string, waitMs: number): void => {
    const now = performance.now();
    if (now < (this.#saidUntil.get(problem) ?? 0)) return;
    this.#saidUntil.set(problem, now + waitMs);
    this.#options.note(`${problem}; it is asked again in ${(waitMs / 1000).toFixed(1)} s`);
  };
}

const ECHO_CHARACTERS = 32;
const ECHO_ALPHABET = 8;

/**
 * Whether texts begin with the whole prompt, which must be long and varied enough for this to be no accident.
 */
function isEcho(prompt: string, texts: readonly string[]): boolean {
  if (prompt.length < ECHO_CHARACTERS || new Set(prompt).size < ECHO_ALPHABET) return false;
  return texts.every((text) => text.startsWith(prompt));
}
