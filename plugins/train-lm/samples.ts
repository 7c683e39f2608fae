/** What a model in training writes every `sampleEvery` steps: always from the same prompt and draws. */

import type { TokenShards } from 'calm-lm/artifacts';
import { loadTokenizer, promptIds, type Tokenizer } from 'calm-lm/data';
import type { TensorMap } from 'calm-lm/engine';
import type { PatchModel } from 'calm-lm/models';
import type { StageReport } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { alignPrompt, type GenerateDraws, generate } from 'calm-lm/sampling';
import type { Config } from './config.ts';

/** A model whose weights are those of the moment. */
export interface GrowingModel extends PatchModel {
  use(parameters: TensorMap): void;
}

interface Setting {
  readonly config: Pick<Config, 'sampleEvery' | 'samplePrompt'>;
  readonly inputs: { readonly tokens: Pick<TokenShards, 'tokenizerFile' | 'index'> };
  readonly report: Pick<StageReport, 'sample'>;
  readonly seed: number;
}

/** Short: it is looked at in passing. */
const TOKENS = 64;

/**
 * The trainer's options for samples. The model is made for the first one.
 * @param open makes it, with the weights of the moment
 * @param whole what is learnt by now, with what stays as it was
 */
export function samplesWhileTraining(
  { config, inputs, report, seed }: Setting,
  open: (parameters: TensorMap) => GrowingModel,
  whole: (learnt: TensorMap) => TensorMap,
) {
  const { sampleEvery, samplePrompt: prompt } = config;
  const { tokenizerFile, index } = inputs.tokens;
  let model: GrowingModel | undefined;
  let tokenizer: Tokenizer | undefined;
  const sample = async (step: number, learnt: TensorMap, pause: () => Promise<void>): Promise<void> => {
    const parameters = whole(learnt);
    model ??= open(parameters);
    model.use(parameters);
    tokenizer ??= await loadTokenizer(tokenizerFile, { endOfText: index.endOfTextId, pad: index.padId });
    const { padId, endOfTextId } = tokenizer;
    const begin = alignPrompt(await promptIds(tokenizer, prompt), model.patchSize, endOfTextId);
    const options = { temperature: 1, maxLength: begin.length + TOKENS, padId, endOfTextId, pause };
    const ids: number[] = [];
    for await (const { patch } of generate(model, [begin], options, drawsOf(model, seed))) ids.push(...patch);
    const end = ids.indexOf(endOfTextId);
    report.sample({ step, prompt, text: await tokenizer.decode(end < 0 ? ids : ids.slice(0, end)) });
  };
  return { sampleEvery, sample };
}

/** The same random numbers each time, so that what changes is the model; and none that training draws. */
function drawsOf(model: PatchModel, seed: number): GenerateDraws {
  const stream = (...purpose: (string | number)[]) =>
    new RandomStream(seed, 'sample while training', ...purpose);
  return {
    noise: (step, size, block) => model.drawNoise(stream('noise', step, block), size),
    choice: (step, row, index) => stream('choice', step, row, index).nextUniform(),
  };
}
