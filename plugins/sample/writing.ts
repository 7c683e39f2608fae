/** Continuations one after the other, shown while they are made. */

import type { Tokenizer } from 'calm-lm/data';
import type { StageReport } from 'calm-lm/plugin';
import type { Sample, SampleCounts } from './samples.ts';

/** When a stage began, had its model loaded, and had its first token, which `write` notes. */
export interface Clock {
  readonly began: number;
  loaded: number;
  firstToken?: number;
}

interface Writing {
  readonly clock: Clock;
  readonly tokenizer: Tokenizer;
  readonly prompt: string;
  readonly maxTokens: number;
  readonly report: Pick<StageReport, 'text' | 'progress'>;
  readonly signal: AbortSignal;
}

/** Shows one continuation as it grows. @param pieces token ids, as they are made */
export async function write(
  heading: string,
  pieces: AsyncIterable<Iterable<number>>,
  { tokenizer, prompt, maxTokens, report, signal, clock }: Writing,
): Promise<Sample> {
  const printer = new TextPrinter(tokenizer, report.text);
  report.text(`${heading}${prompt}`);
  const ids: number[] = [];
  for await (const piece of pieces) {
    signal.throwIfAborted();
    ids.push(...piece);
    clock.firstToken ??= performance.now();
    await printer.show(kept(ids, tokenizer.endOfTextId, maxTokens));
    report.progress({ step: Math.min(ids.length, maxTokens), steps: maxTokens });
    await new Promise(setImmediate);
  }
  const whole = kept(ids, tokenizer.endOfTextId, maxTokens);
  await printer.finish(whole);
  return {
    text: await tokenizer.decode(whole),
    tokens: whole.length,
    end: ids.includes(tokenizer.endOfTextId) ? 'end of text' : 'length',
  };
}

/** What stands above one of several continuations. */
export function headingOf(index: number, numSamples: number): string {
  return numSamples > 1 ? `— ${index + 1} —\n` : '';
}

/** Texts and counts of all continuations, for the run's table. */
export function summaryOf(
  samples: readonly (Sample & SampleCounts)[],
  { began, loaded, firstToken }: Clock,
): Record<string, unknown> {
  const total = (count: (sample: Sample & SampleCounts) => number | undefined) =>
    samples.reduce((sum, sample) => sum + (count(sample) ?? 0), 0);
  const counted = samples.some(({ draws }) => draws !== undefined);
  const tokensPerSecond = (1000 * total(({ tokens }) => tokens)) / (performance.now() - loaded);
  const first = firstToken === undefined ? {} : { secondsToFirstToken: (firstToken - began) / 1000 };
  return {
    samples,
    ...first,
    ...(counted
      ? { draws: total(({ draws }) => draws), fallbacks: total(({ fallbacks }) => fallbacks) }
      : {}),
    tokensPerSecond,
  };
}

/** What counts of the generated ids: nothing after end-of-text, and no more than was asked for. */
function kept(ids: readonly number[], endOfTextId: number, maxTokens: number): number[] {
  const end = ids.indexOf(endOfTextId);
  return ids.slice(0, Math.min(end < 0 ? ids.length : end, maxTokens));
}

/** Prints text as it grows. A character whose bytes are not all there yet waits for them. */
class TextPrinter {
  readonly #tokenizer: Tokenizer;
  readonly #print: (text: string) => void;
  #shown = '';

  constructor(tokenizer: Tokenizer, print: (text: string) => void) {
    this.#tokenizer = tokenizer;
    this.#print = print;
  }

  async show(ids: readonly number[]): Promise<void> {
    this.#extend((await this.#tokenizer.decode(ids)).replace(/\uFFFD+$/, ''));
  }

  async finish(ids: readonly number[]): Promise<void> {
    this.#extend(await this.#tokenizer.decode(ids));
    this.#print('\n');
  }

  #extend(text: string): void {
    if (!text.startsWith(this.#shown) || text === this.#shown) return;
    this.#print(text.slice(this.#shown.length));
    this.#shown = text;
  }
}
