import type { languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { loadTokenizer } from 'calm-lm/data';
import { disposeTree } from 'calm-lm/engine';
import { modelMismatch } from 'calm-lm/errors';
import {
  type BrierBatch,
  CrossEntropy,
  estimateBrier,
  measureTemperature,
  scoreExactly,
} from 'calm-lm/evaluation';
import { inverseCdf, loadTransformer, TransformerDecoder } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { reweigh } from 'calm-lm/sampling';
import type { z } from 'zod';
import type {
  BaselineEvaluation,
  BrierReport,
  baselineEvaluation,
  TemperatureReport,
} from '../shared/evaluations.ts';
import {
  brierReport,
  eachBatch,
  type HeldOut,
  heldOutSequences,
  noteFewerWindows,
  unigramReport,
} from '../shared/held-out.ts';
import { pauseFor } from '../shared/pause.ts';
import { warnOfLoss } from '../shared/result-warnings.ts';
import type { config } from './config.ts';

type Inputs = { tokens: typeof tokenShards; model: typeof languageModelFolder };
type Context = StageContext<z.infer<typeof config>, Inputs, { evaluation: typeof baselineEvaluation }>;

const SEQUENCES_A_BATCH = 8;

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, config } = context;
  const engine = await context.engine();
  const asks = (measure: (typeof config.measures)[number]) => config.measures.includes(measure);
  const model = await loadTransformer(inputs.model);
  const { vocabSize } = inputs.tokens.index;
  if (model.config.vocabSize !== vocabSize)
    throw modelMismatch('vocabSize of the baseline and the tokens', vocabSize, model.config.vocabSize);
  const heldOut = await heldOutSequences(
    inputs.tokens,
    { patchSize: 1, patchesPerSequence: config.tokensPerSequence },
    { key: 'numSequences', count: config.numSequences },
    context,
  );
  const decoder = new TransformerDecoder(engine, model);
  const result: { -readonly [Key in keyof BaselineEvaluation]: BaselineEvaluation[Key] } = {};
  if (asks('perplexity')) {
    report.note('measuring the perplexity');
    const crossEntropy = await new CrossEntropy(engine, model.config, heldOut.sequences).measure(
      model.parameters,
      pauseFor(context.signal),
    );
    warnOfLoss(report, { 'cross-entropy loss': crossEntropy });
    result.perplexity = {
      crossEntropy,
      perplexity: Math.exp(crossEntropy),
      ...(await perByte(context, heldOut, crossEntropy)),
    };
  }
  if (asks('brierlm')) result.brierlm = await scoreWithCollisions(context, decoder, heldOut);
  if (asks('sampled')) result.sampled = await scoreBySamples(context, decoder, heldOut);
  if (asks('unigram')) result.unigram = await unigramReport(inputs.tokens, heldOut, 1, context);
  if (asks('temperature')) result.temperature = await measureTemperatures(context, decoder, heldOut);
  disposeTree(model.parameters);
  await outputs.evaluation.write(result);
  report.summary(result as Record<string, unknown>);
  if (result.perplexity) report.headline({ perplexity: result.perplexity.perplexity });
  if (result.brierlm) report.headline({ BrierLM: result.brierlm.brierLM });
}

/** Cross-entropy in bits for each byte of the text that was scored, which does not depend on the tokenizer. */
async function perByte({ inputs, signal }: Context, { sequences }: HeldOut, crossEntropy: number) {
  const tokenizer = await loadTokenizer(inputs.model.tokenizerFile);
  let [numBytes, numTokens] = [0, 0];
  const pause = pauseFor(signal);
  for (const ids of sequences) {
    await pause();
    numBytes += Buffer.byteLength(await tokenizer.decode([...ids.subarray(1)]));
    numTokens += ids.length - 1;
  }
  return { bitsPerByte: (crossEntropy * numTokens) / Math.LN2 / numBytes, numTokens };
}

async function scoreWithCollisions(
  context: Context,
  decoder: TransformerDecoder,
  { sequences, documents }: HeldOut,
): Promise<BrierReport> {
  const { config, report, seed, signal } = context;
  report.note('scoring BrierLM with exact collisions');
  const { numSamples, stride, contextTokens } = config;
  const batches = await scoreExactly(decoder, sequences, seed, {
    numSamples,
    stride,
    contextTokens,
    onBatch: (step: number) => report.progress({ step, steps: sequences.length }),
    pause: pauseFor(signal),
  });
  return brierReport(batches, documents, config, context);
}

/** As for a model that only gives samples: what CALM's score would be if it were this model. */
async function scoreBySamples(
  context: Context,
  decoder: TransformerDecoder,
  { sequences, documents }: HeldOut,
): Promise<BrierReport> {
  const { config, report, seed, signal } = context;
  const options = { numSamples: config.numSamples, pause: pauseFor(signal) };
  report.note('scoring BrierLM from samples alone');
  const batches: BrierBatch[] = [];
  await eachBatch(sequences, SEQUENCES_A_BATCH, context, async (batch, first) => {
    const draws = {
      accuracy: (size: number) => new RandomStream(seed, 'brier', first).uniforms(size),
      rollout: (_: unknown, step: number, size: number) =>
        new RandomStream(seed, 'brier rollout', first, step).uniforms(size),
    };
    batches.push(await estimateBrier(decoder, batch, draws, options));
  });
  return brierReport(batches, documents, config, context);
}

async function measureTemperatures(
  { config, seed, report, signal }: Context,
  decoder: TransformerDecoder,
  { sequences }: HeldOut,
): Promise<TemperatureReport[]> {
  const pause = pauseFor(signal);
  noteFewerWindows(config.windowsPerSequence, sequences[0].length, 1, report);
  const found: TemperatureReport[] = [];
  for (const temperature of config.temperatures) {
    report.note(`measuring temperature ${temperature.toPrecision(3)}`);
    const measured = await measureTemperature(
      decoder,
      sequences,
      config.windowsPerSequence,
      async (hidden, text, step) => {
        const uniforms = new RandomStream(seed, 'temperature', String(temperature), text, step).uniforms(
          hidden.shape[0],
        );
        const chosen: Int32Array[] = [];
        const takeAt = (position: number, probabilities: Float32Array) => {
          chosen.push(Int32Array.of(inverseCdf(reweigh(probabilities, { temperature }))(uniforms[position])));
        };
        await decoder.eachDistribution(hidden, takeAt, pause);
        return chosen;
      },
      { pause },
    );
    found.push({ temperature, ...measured });
  }
  return found;
}
