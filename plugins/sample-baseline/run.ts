import type { languageModelFolder } from 'calm-lm/artifacts';
import { loadTokenizer } from 'calm-lm/data';
import { disposeTree } from 'calm-lm/engine';
import { loadTransformer, TransformerDecoder } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { generateTokens } from 'calm-lm/sampling';
import type { z } from 'zod';
import type { Sample, samples } from '../shared/samples.ts';
import { type Clock, headingOf, summaryOf, write } from '../shared/writing.ts';
import type { config } from './config.ts';

type Context = StageContext<
  z.infer<typeof config>,
  { baseline: typeof languageModelFolder },
  { samples: typeof samples }
>;

export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report } = context;
  const seed = config.seed ?? context.seed;
  const clock: Clock = { began: performance.now(), loaded: 0 };
  const engine = await context.engine();
  const model = await loadTransformer(inputs.baseline);
  const decoder = new TransformerDecoder(engine, model);
  const tokenizer = await loadTokenizer(inputs.baseline.tokenizerFile, model.config.eosTokenId ?? undefined);
  const encoded = Int32Array.from(await tokenizer.encode(config.prompt));
  // An empty prompt begins where documents do: after the end of another.
  const prompt = encoded.length > 0 ? encoded : Int32Array.of(tokenizer.endOfTextId);
  clock.loaded = performance.now();
  const made: Sample[] = [];
  for (let index = 0; index < config.numSamples; index++) {
    const uniform = (step: number) => new RandomStream(seed, 'sample', index, step).nextUniform();
    const pieces = singles(
      generateTokens(decoder, prompt, { ...config, endOfTextId: tokenizer.endOfTextId }, uniform),
    );
    made.push(
      await write(headingOf(index, config.numSamples), pieces, {
        ...context,
        clock,
        tokenizer,
        prompt: config.prompt,
        maxTokens: config.maxTokens,
      }),
    );
  }
  disposeTree(model.parameters);
  await outputs.samples.write({
    prompt: config.prompt,
    temperature: config.temperature,
    seed,
    samples: made,
  });
  report.summary(summaryOf(made, clock));
}

async function* singles(tokens: AsyncIterable<number>): AsyncGenerator<number[]> {
  for await (const token of tokens) yield [token];
}
