/** Many prompts from a JSON Lines file, answered in order into another one, which is gone on with where it was left. */

import { existsSync, readFileSync } from 'node:fs';
import { appendFile, truncate } from 'node:fs/promises';
import { fileMissing, promptsInvalid } from 'calm-lm/errors';

export interface PromptLine {
  readonly prompt: string;
  readonly [key: string]: unknown;
}

/** Reads prompts; a line that is none is an error with its number. */
export function readPrompts(file: string): PromptLine[] {
  if (!existsSync(file)) throw fileMissing(file, 'prompts');
  return linesOf(file).map((line, i) => {
    try {
      const parsed = JSON.parse(line) as PromptLine;
      if (typeof parsed.prompt === 'string') return parsed;
    } catch {
      // Said below.
    }
    throw promptsInvalid(file, i + 1);
  });
}

/**
 * How many prompts a results file has answered already. A last line that was cut short by a kill is removed; results of other prompts are an error.
 */
export async function answeredIn(file: string, prompts: readonly PromptLine[]): Promise<number> {
  if (!existsSync(file)) return 0;
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  const answered = whole.split('\n').filter(Boolean);
  answered.forEach((line, i) => {
    const { prompt } = JSON.parse(line) as PromptLine;
    if (prompt !== prompts[i]?.prompt) throw promptsInvalid(file, i + 1);
  });
  return answered.length;
}

export async function appendResult(
  file: string,
  line: PromptLine,
  samples: readonly unknown[],
): Promise<void> {
  await appendFile(file, `${JSON.stringify({ ...line, samples })}\n`);
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
}
