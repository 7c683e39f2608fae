/**
 * Conversations as text, by the chat template that a tokenizer's folder states (Jinja, as transformers'
 * `apply_chat_template` renders it).
 */

import type { Template } from '@huggingface/jinja';
import { chatInvalid, chatTemplateFailed, chatTemplateMissing, messageOf } from '../../errors.ts';
import type { Chat, Tokenizer } from './tokenizer.ts';
import { type SpecialNames, type StatedTokenizer, statedToken } from './tokenizer-config.ts';

/** One turn of a conversation. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or whatever else the template knows. */
  readonly role: string;
  readonly content: string;
}

const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

/** The chat template that is stated, a file before tokenizer_config.json; undefined where there is none. */
export function statedChat(stated: StatedTokenizer | undefined, names: SpecialNames): Chat | undefined {
  const template = stated?.chatTemplate ?? namedTemplate(stated?.config?.chat_template);
  if (template === undefined) return undefined;
  const used = { bos_token: names.beginning, eos_token: names.endOfText, pad_token: names.pad };
  const own = SPECIAL_TOKENS.flatMap((key) => {
    const name = statedToken(stated, key);
    return name === undefined ? [] : [[key, name] as const];
  });
  return { template, specialTokens: { ...used, ...Object.fromEntries(own) } };
}

/** `chat_template` is a text, or a list of named ones, of which transformers takes `default`. */
function namedTemplate(stated: unknown): string | undefined {
  if (typeof stated === 'string') return stated;
  const found: unknown = Array.isArray(stated)
    ? stated.find((entry) => entry?.name === 'default')?.template
    : undefined;
  return typeof found === 'string' ? found : undefined;
}

interface ChatOptions {
  /** Whether the text ends where the assistant's next turn begins; true where absent. */
  readonly addGenerationPrompt?: boolean;
}

/**
 * The text of a conversation. It holds what the template puts at its beginning, so a tokenizer must put
 * nothing around it: see chatIds.
 * @throws CALM_CHAT where the tokenizer has no template, or the template refuses the messages
 */
export async function renderChat(
  { chat }: Pick<Tokenizer, 'chat'>,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true }: ChatOptions = {},
): Promise<string> {
  if (!chat) throw chatTemplateMissing();
  checkMessages(messages);
  const given = { ...chat.specialTokens, messages, add_generation_prompt: addGenerationPrompt };
  try {
    return (await templateOf(chat)).render(given);
  } catch (error) {
    throw chatTemplateFailed(messageOf(error), error);
  }
}

/** The ids of a conversation that the assistant is to continue. */
export async function chatIds(tokenizer: Tokenizer, messages: readonly ChatMessage[]): Promise<number[]> {
  return Array.from(await tokenizer.encode(await renderChat(tokenizer, messages)));
}

/** Refuses what is no list of turns. */
function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages) || messages.length === 0) throw chatInvalid('there is no message');
  for (const [i, message] of messages.entries()) {
    const wrong = (['role', 'content'] as const).find((key) => typeof message?.[key] !== 'string');
    if (wrong) throw chatInvalid(`message ${i + 1} has no text in "${wrong}"`);
  }
}

/** Parsed templates, for as long as their tokenizers live. */
const parsed = new WeakMap<Chat, Template>();

async function templateOf(chat: Chat): Promise<Template> {
  const known = parsed.get(chat);
  if (known) return known;
  const { Template: Parsed } = await import('@huggingface/jinja');
  const template = new Parsed(chat.template);
  parsed.set(chat, template);
  return template;
}

/**
 * The assistant's turns of a conversation, each with all that comes before it, or why there are none: the text
 * before a turn must be the beginning of the text with it.
 * @throws CALM_CHAT where the tokenizer has no template
 */
export async function turnsOf(
  tokenizer: Pick<Tokenizer, 'chat'>,
  messages: readonly ChatMessage[],
): Promise<{ prompt: string; completion: string }[] | { problem: string }> {
  if (!tokenizer.chat) throw chatTemplateMissing();
  const turns: { prompt: string; completion: string }[] = [];
  try {
    for (const [i, { role }] of messages.entries()) {
      if (role !== 'assistant' || i === 0) continue;
      const whole = await renderChat(tokenizer, messages.slice(0, i + 1), { addGenerationPrompt: false });
      const prompt = await renderChat(tokenizer, messages.slice(0, i));
      if (!whole.startsWith(prompt) || whole.length === prompt.length)
        return { problem: `has a turn ${i + 1} whose text the chat template does not put behind its prompt` };
      turns.push({ prompt, completion: whole.slice(prompt.length) });
    }
  } catch (error) {
    return { problem: `can't be rendered: ${messageOf(error)}` };
  }
  return turns.length > 0 ? turns : { problem: 'has no turn of the assistant behind another one' };
}
