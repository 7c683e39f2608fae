import { join } from 'node:path';
import type { tokenShards } from 'calm-lm/artifacts';
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { CalmError, endpointStopped } from 'calm-lm/errors';
import {
  type BrierReport,
  brierReport,
  CompletionsEndpoint,
  heldOutSequences,
  KeptWindows,
  type ScoredWindow,
  scoreWindows,
  unigramReport,
} from 'calm-lm/evaluation';
import type { HeldOut } from 'calm-lm/evaluation/measures';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';
import type { EndpointEvaluation, endpointEvaluation } from './evaluation.ts';
import { settingsOf, type TextWindow, textWindows } from './windows.ts';

type Context = StageContext<
  z.infer<typeof config>,
  { tokens: typeof tokenShards },
  { evaluation: typeof endpointEvaluation }
>;

/** Tokens of a window. */
const WINDOW = 4;

export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report } = context;
  const { endpoint, model, contextTokens } = config;
  const heldOut = await heldOutSequences(
    inputs.tokens,
    { patchSize: 1, patchesPerSequence: contextTokens + WINDOW },
    { key: 'numWindows', count: config.numWindows },
    context,
  );
  const result: { -readonly [Key in keyof EndpointEvaluation]: EndpointEvaluation[Key] } = {};
  if (config.measures.includes('brierlm')) result.brierlm = await measureBrier(context, heldOut);
  if (config.measures.includes('unigram'))
    result.unigram = await unigramReport(inputs.tokens, heldOut, contextTokens, context);
  await outputs.evaluation.write(result);
  report.summary({ ...result, endpoint, model });
}

async function measureBrier(context: Context, heldOut: HeldOut): Promise<BrierReport> {
  const { config, inputs, report, signal } = context;
  const tokenizer = await loadTokenizer(inputs.tokens.tokenizerFile);
  const windows = await textWindows(heldOut, config.contextTokens, tokenizer, signal);
  const left = heldOut.sequences.length - windows.length;
  if (left) report.warn(`${left} windows begin in the middle of a character or word and were left out`);
  const scored = await scoreResumably(context, windows, tokenizer);
  const numEmpty = scored.reduce((sum, window) => sum + window.numEmpty, 0);
  if (numEmpty) report.warn(`${numEmpty} of ${scored.length * config.numSamples} continuations were empty`);
  const batches = scored.map(({ sums }) => ({ brier: sums, numWindows: 1, rows: [{ sums, numWindows: 1 }] }));
  const documents = windows.map(({ document }) => document);
  return brierReport(batches, documents, config, context);
}

/** Asks for what earlier attempts have not kept. Where this fails too, the error says what is kept by now. */
async function scoreResumably(
  { config, report, seed, signal, checkpoints }: Context,
  windows: readonly TextWindow[],
  tokenizer: Tokenizer,
): Promise<ScoredWindow[]> {
  const { endpoint, model, maxTokens, numSamples, concurrency } = config;
  const settings = settingsOf(
    { endpoint, model, maxTokens, numSamples, seed, truncation: 'none' },
    windows,
    tokenizer,
  );
  const sampler = endpointOf(config, tokenizer, report.note);
  const kept = new KeptWindows(join(checkpoints, 'windows.jsonl'), settings);
  const steps = windows.length;
  if (kept.size) report.note(`${kept.size} of ${steps} windows are kept from before`);
  const onScored = (step: number) => report.progress({ step, steps });
  try {
    return await scoreWindows(sampler, windows, kept, { numSamples, concurrency, signal, onScored });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CalmError && kept.size ? endpointStopped(error, kept.size, steps) : error;
  } finally {
    kept.close();
    await sampler.close();
  }
}

function endpointOf(
  config: Context['config'],
  tokenizer: Tokenizer,
  note: (message: string) => void,
): CompletionsEndpoint {
  const { endpoint, model, maxTokens, retries, apiKeyVariable } = config;
  const apiKey = process.env[apiKeyVariable];
  return new CompletionsEndpoint({
    endpoint,
    model,
    maxTokens,
    retries,
    tokenizer,
    note,
    timeoutMs: config.timeoutSeconds * 1000,
    maxRetryAfterMs: config.maxRetryAfterSeconds * 1000,
    keySource: `The environment variable ${apiKeyVariable}`,
    ...(apiKey ? { apiKey } : {}),
  });
}
