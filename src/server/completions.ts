/** The texts of a completion request, as a stream of pieces or as a whole. */

import { randomInt, randomUUID } from 'node:crypto';
import type { Generated, Model } from '../library/index.ts';
import { type CompletionRequest, type Prompt, promptsOf } from './completion-request.ts';

/** A piece of the text at `index`, or its end. */
export type TextEvent =
  | { readonly index: number; readonly text: string }
  | { readonly index: number; readonly generated: Generated; readonly isFirstOfPrompt: boolean };

export interface Served {
  readonly id: string;
  readonly model: Model;
}

/** OpenAI's word for why a text ended. */
const REASONS = { stop: 'stop', 'end of text': 'stop', length: 'length' } as const;

/** As OpenAI's has it. */
const DEFAULT_TOKENS = 16;

/** Writes the texts one after the other; those of other requests are written between their patches. */
export async function* writeTexts(
  { model }: Served,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void, void> {
  const prompts = promptsOf(request.prompt);
  const seed = request.seed ?? randomInt(2 ** 31);
  let index = 0;
  for (const prompt of prompts)
    for (let i = 0; i < request.n; i++, index++) {
      if (request.echo) yield { index, text: await textOf(model, prompt) };
      const pieces = model.generate(prompt, { ...optionsOf(request, model), seed, index, signal });
      for (;;) {
        const { done, value } = await pieces.next();
        if (done) {
          yield { index, generated: value, isFirstOfPrompt: i === 0 };
          break;
        }
        yield { index, text: value };
      }
    }
}

async function textOf(model: Model, prompt: Prompt): Promise<string> {
  return typeof prompt === 'string' ? prompt : model.textOf(prompt);
}

function optionsOf(request: CompletionRequest, { kind }: Model) {
  const { stop, sampler, num_candidates: numCandidates, draw_budget: drawBudget } = request;
  // 1 is what clients send who mean nothing by it.
  const topP = request.top_p === 1 && kind === 'calm' ? undefined : (request.top_p ?? undefined);
  return {
    temperature: request.temperature ?? 1,
    maxTokens: request.max_tokens ?? DEFAULT_TOKENS,
    ...(stop == null ? {} : { stop: [stop].flat() }),
    sampler,
    numCandidates,
    drawBudget,
    topP,
    topK: request.top_k ?? undefined,
  };
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** Adds up tokens of a request; a prompt counts once, however many texts follow it. */
export class UsageCount {
  readonly #usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

  add({ generated, isFirstOfPrompt }: Extract<TextEvent, { generated: Generated }>): void {
    if (isFirstOfPrompt) this.#usage.prompt_tokens += generated.numPromptTokens;
    this.#usage.completion_tokens += generated.numTokens;
    this.#usage.total_tokens = this.#usage.prompt_tokens + this.#usage.completion_tokens;
  }

  get usage(): Usage {
    return this.#usage;
  }
}

/** What every document of one answer has in common. */
export function answerHead({ id }: Served) {
  return {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: id,
  } as const;
}

/** A choice, or a piece of one. What only a CALM knows stands in `calm`. */
export function choiceOf(index: number, text: string, generated?: Generated) {
  return {
    index,
    text,
    logprobs: null,
    finish_reason: generated ? REASONS[generated.end] : null,
    ...(generated && generated.draws > 0
      ? { calm: { patches: generated.numPatches, draws: generated.draws, fallbacks: generated.fallbacks } }
      : {}),
  };
}

/** All texts as one answer. @param onFirst told when there is a first piece */
export async function wholeAnswer(
  served: Served,
  request: CompletionRequest,
  signal: AbortSignal,
  onFirst: () => void,
) {
  const texts: string[] = [];
  const choices: ReturnType<typeof choiceOf>[] = [];
  const count = new UsageCount();
  for await (const event of writeTexts(served, request, signal)) {
    if ('text' in event) {
      onFirst();
      texts[event.index] = (texts[event.index] ?? '') + event.text;
      continue;
    }
    count.add(event);
    choices.push(choiceOf(event.index, texts[event.index] ?? '', event.generated));
  }
  return { ...answerHead(served), choices, usage: count.usage };
}
