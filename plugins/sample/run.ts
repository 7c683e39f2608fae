import type { languageModelFolder } from 'calm-lm/artifacts';
import { loadTokenizer } from 'calm-lm/data';
import { disposeLanguageModel, loadLanguageModel, PatchDecoder } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { alignPrompt, type GenerateDraws, generate } from 'calm-lm/sampling';
import type { z } from 'zod';
import { headSampling } from '../shared/evaluation-fields.ts';
import type { Sample, SampleCounts, samples } from '../shared/samples.ts';
import { headingOf, summaryOf, write } from '../shared/writing.ts';
import type { config } from './config.ts';

type Config = z.infer<typeof config>;
type Context = StageContext<Config, { model: typeof languageModelFolder }, { samples: typeof samples }>;

/** One continuation after the other, so that the text can be read while it is made. */
export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report } = context;
  const seed = config.seed ?? context.seed;
  const engine = await context.engine();
  const model = await loadLanguageModel(inputs.model);
  const decoder = new PatchDecoder(engine, model, headSampling(config));
  const tokenizer = await loadTokenizer(inputs.model.tokenizerFile, model.config.eosTokenId ?? undefined);
  const prompt = alignPrompt(await tokenizer.encode(config.prompt), model.config.patchSize, tokenizer.endOfTextId);
  const started = performance.now();
  const made: (Sample & SampleCounts)[] = [];
  for (let index = 0; index < config.numSamples; index++) {
    const counts = { draws: 0, fallbacks: 0, patches: 0 };
    const options = { ...config, maxLength: prompt.length + config.maxTokens, padId: tokenizer.padId, endOfTextId: tokenizer.endOfTextId };
    const pieces = patchesOf(generate(decoder, [prompt], options, drawsOf(decoder, seed, index)), counts);
    const sample = await write(headingOf(index, config.numSamples), pieces, { ...context, tokenizer, prompt: config.prompt, maxTokens: config.maxTokens });
    if (counts.fallbacks > 0)
      report.warn(
        `${counts.fallbacks} of ${counts.patches} patches took more than ${config.drawBudget} draws and were chosen by the batch approximation: not exact`,
      );
    made.push({ ...sample, draws: counts.draws, fallbacks: counts.fallbacks });
  }
  disposeLanguageModel(model);
  await outputs.samples.write({ prompt: config.prompt, temperature: config.temperature, sampler: config.sampler, seed, samples: made });
  report.summary(summaryOf(made, started));
}

/** The patches of one continuation; their draws are counted on the way. */
async function* patchesOf(generated: ReturnType<typeof generate>, counts: { draws: number; fallbacks: number; patches: number }) {
  for await (const { patch, draws, fallbacks } of generated) {
    counts.draws += draws[0];
    counts.fallbacks += Number(fallbacks[0]);
    counts.patches++;
    yield patch;
  }
}

/** Random numbers of one continuation. */
function drawsOf(decoder: PatchDecoder, seed: number, index: number): GenerateDraws {
  let choices = { step: -1, stream: new RandomStream(seed) };
  return {
    noise: (step, size, block) => decoder.drawNoise(new RandomStream(seed, 'sample', index, step, 'noise', block), size),
    // One row, whose numbers are asked for in order.
    choice: (step) => {
      if (choices.step !== step) choices = { step, stream: new RandomStream(seed, 'sample', index, step, 'choice') };
      return choices.stream.nextUniform();
    },
  };
}
