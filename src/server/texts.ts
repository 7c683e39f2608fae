/** The texts of a request, as events that come as they are written. */

import { randomInt } from 'node:crypto';
import type { Generated, Model, Prompt, WrittenPatch } from '../library/index.ts';
import { merged } from './merged.ts';
import type { TextRequest } from './requests.ts';

/** A piece of the text at `index`, with the patches that were told since the last one, or its end. */
export type TextEvent =
  | { readonly index: number; readonly text: string; readonly patches?: readonly WrittenPatch[] }
  | {
      readonly index: number;
      readonly generated: Generated;
      readonly patches?: readonly WrittenPatch[];
      readonly isFirstOfPrompt: boolean;
    };

export interface Served {
  readonly id: string;
  readonly model: Model;
}

/** Texts of one request that are written at once. */
const TEXTS_AT_ONCE = 8;

interface Writing {
  readonly signal: AbortSignal;
  readonly maxPromptTokens: number;
}

/** Writes the texts; those of all requests that are under way are one batch. */
export function writeTexts(
  { model }: Served,
  request: TextRequest,
  writing: Writing,
): AsyncGenerator<TextEvent, void, void> {
  const seed = request.seed ?? randomInt(2 ** 31);
  const starts = request.prompts.flatMap((prompt, number) =>
    Array.from({ length: request.n }, (_, i) => {
      const one = { prompt, seed, index: number * request.n + i, isFirstOfPrompt: i === 0 };
      return () => writeText(model, request, one, writing);
    }),
  );
  return merged(starts, TEXTS_AT_ONCE);
}

interface One {
  readonly prompt: Prompt;
  readonly seed: number;
  readonly index: number;
  readonly isFirstOfPrompt: boolean;
}

async function* writeText(
  model: Model,
  request: TextRequest,
  { prompt, seed, index, isFirstOfPrompt }: One,
  { signal, maxPromptTokens }: Writing,
): AsyncGenerator<TextEvent, void, void> {
  const told: WrittenPatch[] = [];
  const patches = () => (request.candidates === undefined ? {} : { patches: told.splice(0) });
  const pieces = model.generate(prompt, {
    ...optionsOf(request, model),
    ...(request.candidates === undefined ? {} : { onPatch: (patch) => told.push(patch) }),
    seed,
    index,
    signal,
    maxPromptTokens,
  });
  let isEchoed = !request.echoes;
  for (;;) {
    const { done, value } = await pieces.next();
    // Not before the prompt is known to be in order.
    if (!isEchoed) yield { index, text: await echoOf(model, prompt) };
    isEchoed = true;
    if (done) {
      yield { index, generated: value, ...patches(), isFirstOfPrompt };
      return;
    }
    yield { index, text: value, ...patches() };
  }
}

async function echoOf(model: Model, prompt: Prompt): Promise<string> {
  return typeof prompt === 'string' ? prompt : model.textOf(prompt as readonly number[]);
}

function optionsOf(request: TextRequest, { kind }: Model) {
  const { temperature, maxTokens, stop, sampler, numCandidates, drawBudget, candidates, topK } = request;
  // 1 is what clients send who mean nothing by it.
  const topP = request.topP === 1 && kind === 'calm' ? undefined : request.topP;
  return { temperature, maxTokens, stop, sampler, numCandidates, drawBudget, candidates, topP, topK };
}
