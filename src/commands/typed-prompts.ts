/** Text from standard input: read to its end, or line by line as a person types it. */

import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { textNotUtf8 } from '../errors.ts';
import type { TypedPrompt } from '../plugin/index.ts';

/** Stands for standard input on a command line. */
export const STANDARD_INPUT = '-';

/** A pipe that is open and silent for so long may be one that the caller forgot. */
const SILENCE_MS = 2000;

/** Whether something is piped in, or a file is. A socket, as programs hand it on unasked, does not count. */
export function isInputPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile();
  } catch {
    return false;
  }
}

/** All of standard input. What is not UTF-8 is an error. */
export async function readInput(): Promise<string> {
  const say = () => process.stderr.write('  reading standard input until it ends\n');
  const timer = setTimeout(say, process.stdin.isTTY ? 0 : SILENCE_MS);
  try {
    return decoded(await buffer(process.stdin), 'Standard input');
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes as text, to the last character; a byte-order mark is part of it. @param name for the error */
export function decoded(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw textNotUtf8(name);
  }
}

/**
 * The lines that a person types. Ctrl-C aborts the signal of the last one, or says how to end; Ctrl-D, or the
 * end of what is piped in, ends them.
 */
export async function* typedPrompts(signal: AbortSignal): AsyncGenerator<TypedPrompt, void, void> {
  const { stdin: input, stderr: output } = process;
  const isTerminal = Boolean(input.isTTY && output.isTTY);
  const lines = createInterface({ input, output, terminal: isTerminal, prompt: '> ' });
  let answering: AbortController | undefined;
  lines.on('SIGINT', () => {
    if (answering) answering.abort();
    else {
      output.write('\n(Ctrl-D ends)\n');
      lines.prompt();
    }
  });
  const end = () => lines.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    if (isTerminal) lines.prompt();
    for await (const text of lines) {
      answering = new AbortController();
      yield { text, signal: answering.signal };
      answering = undefined;
      if (isTerminal) lines.prompt();
    }
    if (isTerminal) output.write('\n');
  } finally {
    signal.removeEventListener('abort', end);
    lines.close();
  }
}
