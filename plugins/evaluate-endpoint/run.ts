import type { tokenShards } from 'calm-lm/artifacts';
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { type BrierBatch, type BrierWindow, CompletionsEndpoint, scoreWindow } from 'calm-lm/evaluation';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { EndpointEvaluation, endpointEvaluation } from '../shared/evaluations.ts';
import { brierReport, heldOutSequences, unigramReport } from '../shared/held-out.ts';
import type { config } from './config.ts';

type Context = StageContext<
  z.infer<typeof config>,
  { tokens: typeof tokenShards },
  { evaluation: typeof endpointEvaluation }
>;

/** Tokens of a window. */
const WINDOW = 4;

export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report, signal } = context;
  const { endpoint, model, maxTokens, contextTokens, numSamples } = config;
  const tokenizer = await loadTokenizer(inputs.tokens.tokenizerFile);
  const heldOut = await heldOutSequences(
    inputs.tokens,
    { patchSize: 1, patchesPerSequence: contextTokens + WINDOW },
    { key: 'numWindows', count: config.numWindows },
    context,
  );
  const result: { -readonly [Key in keyof EndpointEvaluation]: EndpointEvaluation[Key] } = {};
  if (config.measures.includes('brierlm')) {
    const apiKey = process.env[config.apiKeyVariable];
    const sampler = new CompletionsEndpoint({
      endpoint,
      model,
      maxTokens,
      tokenizer,
      ...(apiKey ? { apiKey } : {}),
    });
    const batches: BrierBatch[] = [];
    const documents: number[] = [];
    for (const [i, ids] of heldOut.sequences.entries()) {
      signal.throwIfAborted();
      const window = { prefix: ids.subarray(0, contextTokens), target: ids.subarray(contextTokens) };
      report.progress({ step: i + 1, steps: heldOut.sequences.length });
      if (!(await isWholeText(tokenizer, window))) continue;
      const row = await scoreWindow(sampler, window, numSamples, signal);
      batches.push({ brier: row.sums, numWindows: 1, rows: [row] });
      documents.push(heldOut.documents[i]);
    }
    const left = heldOut.sequences.length - batches.length;
    if (left) report.warn(`${left} windows begin in the middle of a character or word and were left out`);
    result.brierlm = await brierReport(batches, documents, config, context);
  }
  if (config.measures.includes('unigram'))
    result.unigram = await unigramReport(inputs.tokens, heldOut, contextTokens, context);
  await outputs.evaluation.write(result);
  report.summary({ ...result, endpoint, model });
}

/** Whether the prefix, as text, is encoded back to the same tokens, and the window follows at a boundary. */
async function isWholeText(tokenizer: Tokenizer, { prefix, target }: BrierWindow): Promise<boolean> {
  const [before, after] = [await tokenizer.decode([...prefix]), await tokenizer.decode([...target])];
  const [first, second] = [await tokenizer.encode(before), await tokenizer.encode(after)];
  return isSame(first, prefix) && isSame(second, target);
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((id, i) => id === b[i]);
}
