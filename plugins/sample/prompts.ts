/** A JSON Lines file of prompts. Each line's own text is kept, so that it can be given back byte for byte. */

import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import type { ChatMessage } from 'calm-lm';
import {
  messageOf,
  promptFieldTaken,
  promptLineInvalid,
  promptsEmpty,
  promptsMissing,
  promptsNotAFile,
} from 'calm-lm/errors';

export interface PromptLine {
  readonly prompt: string | readonly ChatMessage[];
  /** The line as it stands in the file, without white space around it. */
  readonly text: string;
}

/** The fields that calm adds to a prompt's line. */
export const ADDED_FIELDS = ['calm', 'samples'] as const;

/** So many fields of a line without a prompt are named. */
const MOST_FIELDS = 10;

/** Reads prompts; a line that is none is an error with its number. */
export function readPrompts(file: string): PromptLine[] {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw promptsMissing(file);
  if (!found.isFile()) throw promptsNotAFile(file);
  const prompts = linesOf(file).flatMap((line, i) => {
    const text = line.trim();
    return text === '' ? [] : [{ prompt: promptOf(file, i + 1, text), text }];
  });
  if (prompts.length === 0) throw promptsEmpty(file);
  return prompts;
}

/** The lines of a file in UTF-8, without its byte-order mark. */
function linesOf(file: string): string[] {
  const bytes = readFileSync(file);
  if (isUtf8(bytes))
    return bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .split('\n');
  const [first = 0, second = 0] = bytes;
  const isUtf16 = first + second === 0xff + 0xfe && Math.abs(first - second) === 1;
  throw promptLineInvalid(
    file,
    isUtf16 ? 1 : lineNotUtf8(bytes),
    `is not UTF-8${isUtf16 ? ' but UTF-16' : ''}`,
  );
}

function lineNotUtf8(bytes: Buffer): number {
  for (let line = 1, start = 0; ; line++) {
    const newline = bytes.indexOf(0x0a, start);
    if (newline < 0 || !isUtf8(bytes.subarray(start, newline))) return line;
    start = newline + 1;
  }
}

/** The prompt of a line. */
function promptOf(file: string, line: number, text: string): PromptLine['prompt'] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw promptLineInvalid(file, line, `is not valid JSON (${messageOf(error)})`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw promptLineInvalid(file, line, 'is not a JSON object');
  const taken = ADDED_FIELDS.find((field) => Object.hasOwn(parsed, field));
  if (taken) throw promptFieldTaken(file, line, taken);
  if ('prompt' in parsed && typeof parsed.prompt === 'string') return parsed.prompt;
  if ('messages' in parsed && isConversation(parsed.messages)) return parsed.messages;
  const fields = Object.keys(parsed).slice(0, MOST_FIELDS).join(', ').slice(0, 200);
  throw promptLineInvalid(file, line, `has no text in a field "prompt"; its fields: ${fields || 'none'}`);
}

function isConversation(value: unknown): value is readonly ChatMessage[] {
  const isMessage = (one: Partial<ChatMessage> | undefined) =>
    typeof one?.role === 'string' && typeof one.content === 'string';
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}
