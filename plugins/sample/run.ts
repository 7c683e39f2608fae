import { resolve } from 'node:path';
import type { languageModelFolder } from 'calm-lm/artifacts';
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { resultsWithoutPrompts } from 'calm-lm/errors';
import { isTransformer, openPatchModel, type PatchModel } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { alignPrompt, checkChoice, type GenerateDraws, generate } from 'calm-lm/sampling';
import type { z } from 'zod';
import type { config } from './config.ts';
import { type PromptLine, readPrompts } from './prompts.ts';
import { ResultsFile } from './results.ts';
import type { Sample, SampleCounts, samples } from './samples.ts';
import { settingsOf, withDefaults } from './settings.ts';
import { type Clock, headingOf, summaryOf, write } from './writing.ts';

type Config = z.infer<typeof config>;
type Context = StageContext<Config, { model: typeof languageModelFolder }, { samples: typeof samples }>;

type Made = Sample & SampleCounts;

/** One continuation after the other, so that the text can be read while it is made. */
export async function run(given: Context): Promise<void> {
  const hasLikelihood = await isTransformer(given.inputs.model);
  checkChoice(given.config, { hasLikelihood });
  const context = { ...given, config: withDefaults(given.config, hasLikelihood) };
  const { config, inputs, outputs, report } = context;
  const seed = config.seed ?? context.seed;
  // Before the model is loaded, because that can take minutes.
  const many = await openPrompts(context, seed);
  const clock: Clock = { began: performance.now(), loaded: 0 };
  const engine = await context.engine();
  const model = await openPatchModel(engine, inputs.model, config.headSampling);
  const tokenizer = await loadTokenizer(inputs.model.tokenizerFile, model.config.eosTokenId ?? undefined);
  const writer: Writer = { context, model, tokenizer, clock };
  clock.loaded = performance.now();
  const made =
    many === undefined ? await answer(writer, config.prompt, seed, 0) : await answerAll(writer, many, seed);
  model.dispose();
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
  readonly model: PatchModel;
  readonly tokenizer: Tokenizer;
  readonly clock: Clock;
}

/** Many prompts and where their answers go. */
interface ManyPrompts {
  readonly prompts: readonly PromptLine[];
  readonly results: ResultsFile;
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
async function answerAll(writer: Writer, { prompts, results }: ManyPrompts, seed: number): Promise<Made[]> {
  const { report } = writer.context;
  const { numAnswered, path } = results;
  if (numAnswered) report.note(`${numAnswered} of ${prompts.length} prompts are answered in ${path}`);
  await results.begin();
  const made: Made[] = [];
  for (let i = numAnswered; i < prompts.length; i++) {
    const samples = await answer(writer, prompts[i].prompt, seed, i);
    await results.append(prompts[i], samples);
    made.push(...samples);
  }
  report.note(`written: ${path}`);
  return made;
}

/** All continuations of one prompt. @param number of the prompt; draws follow from it */
async function answer(
  { context, model, tokenizer, clock }: Writer,
  text: string,
  seed: number,
  number: number,
): Promise<Made[]> {
  const { config, report } = context;
  const prompt = alignPrompt(await tokenizer.encode(text), model.patchSize, tokenizer.endOfTextId);
  const options = {
    ...config,
    maxLength: prompt.length + config.maxTokens,
    padId: tokenizer.padId,
    endOfTextId: tokenizer.endOfTextId,
    pause: context.pause,
  };
  const made: Made[] = [];
  for (let index = 0; index < config.numSamples; index++) {
    const counts = { draws: 0, fallbacks: 0, patches: 0 };
    const draws = drawsOf(model, seed, number * config.numSamples + index);
    const pieces = patchesOf(generate(model, [prompt], options, draws), counts);
    const writing = { ...context, clock, tokenizer, prompt: text, maxTokens: config.maxTokens };
    const sample = await write(headingOf(index, config.numSamples), pieces, writing);
    if (counts.fallbacks > 0)
      report.warn(
        `${counts.fallbacks} of ${counts.patches} patches took more than ${config.drawBudget} draws and ` +
          `were chosen by the batch approximation: not exact`,
      );
    // Of a distribution there is one draw a token, and nothing to count.
    made.push(model.likelihood ? sample : { ...sample, draws: counts.draws, fallbacks: counts.fallbacks });
  }
  return made;
}

/** The patches of one continuation; their draws are counted on the way. */
async function* patchesOf(
  generated: ReturnType<typeof generate>,
  counts: { draws: number; fallbacks: number; patches: number },
) {
  for await (const { patch, draws, fallbacks } of generated) {
    counts.draws += draws[0];
    counts.fallbacks += Number(fallbacks[0]);
    counts.patches++;
    yield patch;
  }
}

/** Random numbers of one continuation. */
function drawsOf(model: PatchModel, seed: number, index: number): GenerateDraws {
  let choices = { step: -1, stream: new RandomStream(seed) };
  // A Transformer draws nothing else.
  const purpose = model.likelihood ? [] : ['choice'];
  return {
    noise: (step, size, block) =>
      model.drawNoise(new RandomStream(seed, 'sample', index, step, 'noise', block), size),
    // One row, whose numbers are asked for in order.
    choice: (step) => {
      if (choices.step !== step)
        choices = { step, stream: new RandomStream(seed, 'sample', index, step, ...purpose) };
      return choices.stream.nextUniform();
    },
  };
}
