/** Answers as OpenAI's clients read them: of completions and of chats, whole or in pieces. */

import { randomUUID } from 'node:crypto';
import type { Generated, WrittenPatch } from '../library/index.ts';
import type { TextEvent } from './texts.ts';

/** OpenAI's word for why a text ended. */
const REASONS = { stop: 'stop', 'end of text': 'stop', length: 'length' } as const;

/** How a kind of request is answered. */
export interface AnswerKind {
  readonly prefix: string;
  readonly object: string;
  readonly objectOfPiece: string;
  /** What a choice has of a whole text. */
  readonly whole: (text: string) => object;
  /** The same of a piece; the first of a text is told so. */
  readonly piece: (text: string, isFirst: boolean) => object;
}

export const COMPLETION: AnswerKind = {
  prefix: 'cmpl',
  object: 'text_completion',
  objectOfPiece: 'text_completion',
  whole: (text) => ({ text }),
  piece: (text) => ({ text }),
};

export const CHAT: AnswerKind = {
  prefix: 'chatcmpl',
  object: 'chat.completion',
  objectOfPiece: 'chat.completion.chunk',
  whole: (content) => ({ message: { role: 'assistant', content, refusal: null } }),
  piece: (content, isFirst) => ({ delta: { ...(isFirst ? { role: 'assistant' } : {}), content } }),
};

/** What every document of one answer has in common. */
function headOf({ prefix }: AnswerKind, object: string, model: string) {
  const created = Math.floor(Date.now() / 1000);
  return { id: `${prefix}-${randomUUID()}`, object, created, model };
}

/** The rest of a choice. What only a CALM knows stands in `calm`. */
function endOf(generated: Generated | undefined, patches: readonly WrittenPatch[] | undefined) {
  const counts =
    generated && generated.draws > 0
      ? { num_patches: generated.numPatches, draws: generated.draws, fallbacks: generated.fallbacks }
      : {};
  const calm = { ...counts, ...(patches ? { patches } : {}) };
  return {
    logprobs: null,
    finish_reason: generated ? REASONS[generated.end] : null,
    ...(Object.keys(calm).length > 0 ? { calm } : {}),
  };
}

interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** Adds up tokens of a request; a prompt counts once, however many texts follow it. */
export class UsageCount {
  readonly usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

  add(event: TextEvent): void {
    if (!('generated' in event)) return;
    const { generated, isFirstOfPrompt } = event;
    if (isFirstOfPrompt) this.usage.prompt_tokens += generated.numPromptTokens;
    this.usage.completion_tokens += generated.numTokens;
    this.usage.total_tokens = this.usage.prompt_tokens + this.usage.completion_tokens;
  }
}

/** All texts as one answer. */
export class WholeAnswer {
  readonly #kind: AnswerKind;
  readonly #model: string;
  readonly #texts: string[] = [];
  readonly #patches: WrittenPatch[][] = [];
  readonly #choices: object[] = [];
  readonly count = new UsageCount();

  constructor(kind: AnswerKind, model: string) {
    this.#kind = kind;
    this.#model = model;
  }

  add(event: TextEvent): void {
    const { index, patches } = event;
    this.count.add(event);
    if (patches) (this.#patches[index] ??= []).push(...patches);
    if ('text' in event) {
      this.#texts[index] = (this.#texts[index] ?? '') + event.text;
      return;
    }
    const text = this.#texts[index] ?? '';
    const rest = endOf(event.generated, this.#patches[index]);
    this.#choices[index] = { index, ...this.#kind.whole(text), ...rest };
  }

  get document() {
    const head = headOf(this.#kind, this.#kind.object, this.#model);
    return { ...head, choices: this.#choices, usage: this.count.usage };
  }
}

/** The documents of an answer in pieces. */
export class AnswerInPieces {
  readonly #kind: AnswerKind;
  readonly #head: object;
  readonly #begun = new Set<number>();
  readonly count = new UsageCount();

  constructor(kind: AnswerKind, model: string) {
    this.#kind = kind;
    this.#head = headOf(kind, kind.objectOfPiece, model);
  }

  documentOf(event: TextEvent): object {
    const { index, patches } = event;
    this.count.add(event);
    const isFirst = !this.#begun.has(index);
    this.#begun.add(index);
    const [text, generated] = 'text' in event ? [event.text] : ['', event.generated];
    const choice = { index, ...this.#kind.piece(text, isFirst), ...endOf(generated, patches) };
    return { ...this.#head, choices: [choice] };
  }

  /** The last one, where it is asked for. */
  get usage(): object {
    return { ...this.#head, choices: [], usage: this.count.usage };
  }
}
