import type { languageModelFolder } from 'calm-lm/artifacts';
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { disposeLanguageModel, loadLanguageModel, PatchDecoder } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { alignPrompt, generate } from 'calm-lm/sampling';
import type { z } from 'zod';
import type { config } from './config.ts';
import type { Sample, samples } from './samples.ts';

type Context = StageContext<z.infer<typeof config>, { model: typeof languageModelFolder }, { samples: typeof samples }>;

/** One continuation after the other, so that the text can be read while it is made. */
export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report } = context;
  const seed = config.seed ?? context.seed;
  const engine = await context.engine();
  const model = await loadLanguageModel(inputs.model);
  const decoder = new PatchDecoder(engine, model);
  const tokenizer = await loadTokenizer(inputs.model.tokenizerFile, model.config.eosTokenId ?? undefined);
  const started = performance.now();
  const made: Sample[] = [];
  for (let index = 0; index < config.numSamples; index++) made.push(await writeOne(context, decoder, tokenizer, seed, index));
  disposeLanguageModel(model);
  await outputs.samples.write({ prompt: config.prompt, temperature: config.temperature, seed, samples: made });
  const tokens = made.reduce((sum, sample) => sum + sample.tokens, 0);
  report.summary({ samples: made, tokensPerSecond: (1000 * tokens) / (performance.now() - started) });
}

async function writeOne({ config, report, signal }: Context, decoder: PatchDecoder, tokenizer: Tokenizer, seed: number, index: number): Promise<Sample> {
  const { patchSize } = decoder.model.config;
  const prompt = alignPrompt(await tokenizer.encode(config.prompt), patchSize, tokenizer.endOfTextId);
  const draws = {
    noise: (step: number, size: number) => new RandomStream(seed, 'sample', index, step, 'noise').uniforms(size, -0.5),
    choice: (step: number) => new RandomStream(seed, 'sample', index, step, 'choice').nextUniform(),
  };
  const { temperature, numCandidates, maxTokens } = config;
  const options = { temperature, numCandidates, maxLength: prompt.length + maxTokens, padId: tokenizer.padId, endOfTextId: tokenizer.endOfTextId };
  const printer = new TextPrinter(tokenizer, report.text);
  report.text(`${config.numSamples > 1 ? `— ${index + 1} —\n` : ''}${config.prompt}`);
  const ids: number[] = [];
  for await (const { patch } of generate(decoder, [prompt], options, draws)) {
    signal.throwIfAborted();
    for (const id of patch) ids.push(id);
    await printer.show(kept(ids, tokenizer.endOfTextId, maxTokens));
    report.progress({ step: Math.min(ids.length, maxTokens), steps: maxTokens });
    await new Promise(setImmediate);
  }
  const whole = kept(ids, tokenizer.endOfTextId, maxTokens);
  await printer.finish(whole);
  return { text: await tokenizer.decode(whole), tokens: whole.length, end: ids.includes(tokenizer.endOfTextId) ? 'end of text' : 'length' };
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
