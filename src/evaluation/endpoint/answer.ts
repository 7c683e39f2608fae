/**
 * Reads the answer of a completions API. Whatever it is, it ends in texts or in an error that names what is
 * wrong.
 */

import { endpointAnswer, endpointRefused, endpointWait } from '../../errors.ts';
import { PassingFailure } from '../../http/retries.ts';
import { retryAfterMs } from '../../http/retry-after.ts';
import type { Reply } from './transport.ts';

export interface AnswerContext {
  /** The address, as it may be shown. */
  readonly shown: string;
  /** Makes a text of the server fit to be shown: without secrets. */
  readonly quote: (text: string) => string;
  /** Longer waits that a server asks for are an error. */
  readonly maxRetryAfterMs: number;
}

/** The texts of the choices, one or more. Throws a PassingFailure where another try may help. */
export function textsOf(reply: Reply, context: AnswerContext): string[] {
  const { shown, quote } = context;
  if (reply.status < 200 || reply.status >= 300)
    throw refusal(reply.status, errorText(parse(reply.text)) ?? reply.text, reply, context);
  const answer = parse(reply.text);
  if (answer === undefined) throw notJson({ ...reply, text: quote(reply.text) }, shown);
  const choices = isObject(answer) ? answer.choices : undefined;
  const error = [answer, ...(Array.isArray(choices) ? choices : [])].find(isErrorDocument);
  if (error) throw refusal(errorCode(error), errorText(error) ?? '', reply, context);
  const problem = problemOf(answer);
  if (problem) throw endpointAnswer(shown, problem, quote(reply.text));
  return (choices as { text: string }[]).map(({ text }) => text);
}

/** @param code a status of HTTP, or what a server calls its error */
function refusal(
  code: number | string,
  text: string,
  reply: Reply,
  { shown, quote, maxRetryAfterMs }: AnswerContext,
): Error {
  const error = endpointRefused(shown, code, quote(text));
  if (!mayPass(code)) return error;
  const wait = retryAfterMs(reply.retryAfter);
  if (wait === undefined) return new PassingFailure(error, { isBusy: true });
  if (wait > maxRetryAfterMs) return endpointWait(shown, code, wait / 1000, maxRetryAfterMs / 1000);
  return new PassingFailure(error, { isBusy: true, retryAfterMs: wait });
}

function mayPass(code: number | string): boolean {
  if (typeof code === 'string') return /overload|rate.?limit|unavailable|time.?out|too.?many/i.test(code);
  return code === 408 || code === 429 || (code >= 500 && code < 600);
}

function notJson({ text, contentType }: Reply, shown: string): Error {
  const isPage = contentType.includes('html') || /^\s*<(!doctype|html)/i.test(text);
  if (isPage) return endpointAnswer(shown, 'an HTML page, of a login or a proxy perhaps', text);
  const isCut = text.trim() === '' || /^\s*\{/.test(text);
  if (!isCut) return endpointAnswer(shown, 'no JSON', text);
  const problem = text.trim() === '' ? 'an empty answer' : 'JSON that is cut off or damaged';
  return new PassingFailure(endpointAnswer(shown, problem, text.trim()), { isBusy: false });
}

/** What keeps an answer from being { choices: [{ text }] }. */
function problemOf(answer: unknown): string | undefined {
  if (!isObject(answer)) return `${kindOf(answer)} instead of an object`;
  const { choices } = answer;
  if (choices === undefined) return 'an object without choices';
  if (!Array.isArray(choices)) return `choices is ${kindOf(choices)} and no list`;
  if (choices.length === 0) return 'choices is empty';
  const odd = choices.find((choice) => !isObject(choice) || typeof choice.text !== 'string') as unknown;
  if (odd === undefined) return undefined;
  if (!isObject(odd)) return `a choice is ${kindOf(odd)}`;
  if ('message' in odd) return 'a chat message, and a text is needed';
  return 'text' in odd ? `the text of a choice is ${kindOf(odd.text)}` : 'a choice has no text';
}

function isErrorDocument(value: unknown): value is Record<string, unknown> {
  return isObject(value) && (Boolean(value.error) || value.object === 'error');
}

/** The code of an error document: a number where there is one, a name otherwise. */
function errorCode(document: Record<string, unknown>): number | string {
  const { error } = document;
  const places = [isObject(error) ? error : {}, document];
  const codes = places.flatMap(({ code, status, status_code, type }) => [code, status, status_code, type]);
  const number = codes.map(Number).find((code) => code >= 400 && code < 600);
  const names = codes.filter((code) => typeof code === 'string' && code !== '') as string[];
  return number ?? names.find(mayPass) ?? names[0] ?? 'an error';
}

/** What an error document says. */
function errorText(document: unknown): string | undefined {
  if (!isObject(document)) return undefined;
  const { error = document } = document;
  if (typeof error === 'string') return error;
  const { message, detail } = isObject(error) ? error : {};
  const text = message ?? detail ?? document.message ?? document.detail;
  return typeof text === 'string' ? text : undefined;
}

/** undefined where it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return (
    { object: 'an object', string: 'a text', number: 'a number' }[typeof value as string] ?? typeof value
  );
}
