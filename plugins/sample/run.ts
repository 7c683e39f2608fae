import { resolve } from 'node:path';
import type { Generated, Model } from 'calm-lm';
import type { languageModelFolder } from 'calm-lm/artifacts';
import { promptsTwice, resultsWithoutPrompts } from 'calm-lm/errors';
import { isTransformer } from 'calm-lm/models';
import type { StageContext, TypedPrompt } from 'calm-lm/plugin';
import { checkChoice } from 'calm-lm/sampling';
import { openTextModel } from 'calm-lm/text-model';
import type { z } from 'zod';
import { aheadInOrder } from './ahead.ts';
import type { config } from './config.ts';
import { type PromptLine, readPrompts } from './prompts.ts';
import { ResultsFile } from './results.ts';
import type { Sample, SampleCounts, samples } from './samples.ts';
import { settingsOf, withDefaults } from './settings.ts';
import { type Clock, headingOf, summaryOf, write } from './writing.ts';

type Config = z.infer<typeof config>;
type Context = StageContext<Config, { model: typeof languageModelFolder }, { samples: typeof samples }>;

type Made = Sample & SampleCounts;

/** Several continuations are made at once and shown one after the other, each as it grows. */
export async function run(given: Context): Promise<void> {
  const hasLikelihood = await isTransformer(given.inputs.model);
  checkChoice(given.config, { hasLikelihood });
  const context = { ...given, config: withDefaults(given.config, hasLikelihood) };
  const { config, inputs, outputs, prompts, report } = context;
  const seed = config.seed ?? context.seed;
  if (prompts && config.prompts !== undefined) throw promptsTwice();
  // Before the model is loaded, because that can take minutes.
  const many = await openPrompts(context, seed);
  const clock: Clock = { began: performance.now(), loaded: 0 };
  const engine = await context.engine();
  const { headSampling } = config;
  const onWarning = (message: string) => report.warn(message);
  const model = await openTextModel(engine, inputs.model, { seed, headSampling, onWarning });
  const writer: Writer = { context, model, clock };
  clock.loaded = performance.now();
  const made = await answers(writer, many);
  await model.dispose();
  await outputs.samples.write({
    prompt: config.prompt,
    temperature: config.temperature,
    ...(config.sampler ? { sampler: config.sampler } : {}),
    seed,
    samples: made,
  });
  report.summary(summaryOf(made, clock));
}

interface Writer {
  readonly context: Context;
  readonly model: Model;
  readonly clock: Clock;
}

/** Many prompts and where their answers go. */
interface ManyPrompts {
  readonly prompts: readonly PromptLine[];
  readonly results: ResultsFile;
}

/** Of what is typed, of a file of prompts, or of the one prompt of the configuration. */
function answers(writer: Writer, many: ManyPrompts | undefined): Promise<Made[]> {
  const { prompts, config } = writer.context;
  if (prompts) return answerTyped(writer, prompts);
  return many === undefined ? answer(writer, config.prompt) : answerAll(writer, many);
}

/** The prompts of a file, if one is named, and their results file. Nothing is written yet. */
async function openPrompts({ config, inputs }: Context, seed: number): Promise<ManyPrompts | undefined> {
  if (config.prompts === undefined) {
    if (config.results !== undefined) throw resultsWithoutPrompts();
    return undefined;
  }
  // Like a shell's arguments, relative to where calm is started.
  const [file, path] = [
    resolve(config.prompts),
    resolve(config.results ?? `${config.prompts}.samples.jsonl`),
  ];
  const prompts = readPrompts(file);
  const settings = await settingsOf(config, seed, inputs.model.directory);
  return { prompts, results: ResultsFile.check(path, { file, lines: prompts }, settings) };
}

/** Every prompt, into the results file; those that are answered there are left out. */
async function answerAll(writer: Writer, { prompts, results }: ManyPrompts): Promise<Made[]> {
  const { report } = writer.context;
  const { numAnswered, path } = results;
  if (numAnswered) report.note(`${numAnswered} of ${prompts.length} prompts are answered in ${path}`);
  await results.begin();
  const { numSamples } = writer.context.config;
  const made: Made[] = [];
  const wanted = prompts
    .slice(numAnswered)
    .flatMap(({ prompt }, i) => continuationsOf(writer, prompt, numAnswered + i));
  for await (const sample of continuations(writer, wanted)) {
    made.push(sample);
    if (made.length % numSamples > 0) continue;
    const prompt = prompts[numAnswered + made.length / numSamples - 1] as PromptLine;
    await results.append(prompt, made.slice(-numSamples));
  }
  report.note(`written: ${path}`);
  return made;
}

/** One continuation of each prompt that is typed; each has draws of its own. */
async function answerTyped(writer: Writer, prompts: AsyncIterable<TypedPrompt>): Promise<Made[]> {
  const { signal } = writer.context;
  const made: Made[] = [];
  let number = 0;
  for await (const prompt of prompts) {
    const wanted = AbortSignal.any([signal, prompt.signal]);
    const one = { prompt: prompt.text, heading: '', index: number++, signal: wanted };
    try {
      for await (const sample of continuations(writer, [one])) made.push(sample);
    } catch (error) {
      if (signal.aborted || !prompt.signal.aborted) throw error;
    }
  }
  signal.throwIfAborted();
  return made;
}

/** All continuations of the one prompt. */
async function answer(writer: Writer, text: string): Promise<Made[]> {
  const made: Made[] = [];
  for await (const sample of continuations(writer, continuationsOf(writer, text, 0))) made.push(sample);
  return made;
}

/** A continuation that is to be made. */
interface Wanted {
  readonly prompt: Prompt;
  readonly heading: string;
  /** Its draws follow from it. */
  readonly index: number;
  readonly signal: AbortSignal;
}

/** Those of one prompt. @param number of the prompt */
function continuationsOf({ context }: Writer, prompt: Prompt, number: number): Wanted[] {
  const { config, signal } = context;
  const { numSamples } = config;
  return Array.from({ length: numSamples }, (_, i) => ({
    prompt,
    heading: headingOf(i, numSamples),
    index: number * numSamples + i,
    signal,
  }));
}

/** Makes several at once, and shows them in their order. */
async function* continuations(writer: Writer, wanted: readonly Wanted[]): AsyncGenerator<Made, void, void> {
  const { context, model, clock } = writer;
  const { config, prompts, report } = context;
  const { temperature, maxTokens, stop, sampler, numCandidates, drawBudget, topK, topP } = config;
  const choice = { temperature, sampler, numCandidates, drawBudget, topK, topP };
  let numShown = 0;
  const starts = wanted.map(({ prompt, index, signal }, place) => () => {
    const onTokens = (numTokens: number) => {
      clock.firstToken ??= performance.now();
      // Where prompts are typed, a person sees the text.
      if (!prompts && place === numShown) report.progress({ step: numTokens, steps: maxTokens });
    };
    return model.generate(asked(prompt, config), { ...choice, maxTokens, stop, index, signal, onTokens });
  });
  for await (const pieces of aheadInOrder(starts, config.textsAtOnce)) {
    const { heading, prompt } = wanted[numShown] as Wanted;
    const generated = await write(`${heading}${shown(prompt, config)}`, pieces, report);
    const { fallbacks, numPatches } = generated;
    if (fallbacks > 0)
      report.warn(
        `${fallbacks} of ${numPatches} patches took more than ${drawBudget} draws and ` +
          `were chosen by the batch approximation: not exact`,
      );
    yield sampleOf(generated, model);
    numShown++;
  }
}

type Prompt = PromptLine['prompt'];

/** What a model is given: a text, or messages. */
function asked(prompt: Prompt, { chat }: Config): Prompt {
  return chat && typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
}

/** What stands before a continuation: the text that it goes on with, or the message that it answers. */
function shown(prompt: Prompt, { chat }: Config): string {
  const text = typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
  return chat || typeof prompt !== 'string' ? `${text}\n` : text;
}

/** Of a distribution there is one draw a token, and nothing to count. */
function sampleOf({ text, numTokens, end, draws, fallbacks }: Generated, { kind }: Model): Made {
  const sample = { text, tokens: numTokens, end };
  return kind === 'transformer' ? sample : { ...sample, draws, fallbacks };
}
