import { CheckpointStore, languageModelFolder } from 'calm-lm/artifacts';
import { evenlySpread, PatchSequences, shuffledBatch } from 'calm-lm/data';
import { disposeTree, type Engine, intTensor, type Tensor, type TensorMap } from 'calm-lm/engine';
import { notEnoughTokens } from 'calm-lm/errors';
import {
  aggregateBrier,
  commonLength,
  joinRows,
  measureCrossEntropy,
  noteFewer,
  scoreBrier,
  warnOfLoss,
} from 'calm-lm/evaluation';
import {
  initParameters,
  startTransformer,
  storeParameters,
  TransformerDecoder,
  transformerLoss,
  transformerTable,
} from 'calm-lm/models';
import { type TransformerConfig, transformerSchema } from 'calm-lm/models/config';
import { train } from 'calm-lm/training';
import { directionsOf, heldOutValues } from '../training/labels.ts';
import { beginTraining } from '../training/start.ts';
import { trainerOptions, trainingSummary } from '../training/trainer.ts';
import type { TransformerFields } from './config.ts';
import type { Context } from './context.ts';
import { TRANSFORMER_LABELS } from './labels.ts';
import { samplesWhileTraining } from './samples.ts';

export type TransformerContext = Context<TransformerFields>;
type Batch = { readonly ids: Tensor; readonly targets: Tensor };

/** Random numbers stand under the name that this training had as a stage of its own. */
const LABEL = 'train-baseline';

/** A Llama over tokens, by cross-entropy (paper §7). */
export async function trainTransformer(context: TransformerContext): Promise<void> {
  const { config: given, inputs, outputs, report, seed, signal } = context;
  const engine = await context.engine();
  const model = modelConfig(context);
  const tokensPerStep = given.accumulationSteps * given.sequencesPerStep * given.tokensPerSequence;
  const training = new PatchSequences(inputs.tokens.split('train'), 1, given.tokensPerSequence);
  if (training.numSequences === 0)
    throw notEnoughTokens('train', inputs.tokens.split('train').length, given.tokensPerSequence);
  const evaluate = heldOut(context, engine, model);
  const configs = { config: model };
  const { optimizer, ...parts } = await beginTraining(
    context,
    languageModelFolder,
    initParameters(transformerTable(model), seed, model.initializerRange),
    (folder, drawn) => startTransformer(folder, model, drawn),
  );
  await outputs.model.writeUntrained(
    context.checkpoints,
    configs,
    await storeParameters(parts.frozen),
    inputs.tokens.tokenizerFile,
  );
  report.logTo(given.logTo);
  const { parameters, ...result } = await train<Batch>({
    ...trainerOptions(given, optimizer),
    stage: 'train-lm',
    engine,
    parameters: parts.learnt,
    frozen: parts.frozen,
    tokensPerStep,
    checkpoints: new CheckpointStore(context.checkpoints, given.keepCheckpoints, given.checkpointEvery),
    report,
    signal,
    loss: (current, { ids, targets }) => ({ loss: transformerLoss(current, model, ids, targets) }),
    batch: (number) =>
      toBatch(chosenSequences(training, given, number, seed).map((sequence) => training.read(sequence))),
    describeBatch: (number) => {
      const sequences = chosenSequences(training, given, number, seed);
      return { sequences, documents: training.documentsOf(sequences) };
    },
    evaluate: evaluate && ((current, pause) => evaluate(parts.whole(current), pause)),
    directions: directionsOf(TRANSFORMER_LABELS),
    ...samplesWhileTraining(
      context,
      (current) => new TransformerDecoder(engine, { config: model, parameters: current }, true),
      parts.whole,
    ),
  });
  await outputs.model.write(
    configs,
    await storeParameters(parts.whole(parameters)),
    inputs.tokens.tokenizerFile,
  );
  disposeTree({ parameters, frozen: parts.frozen });
  warnOfLoss(report, result.metrics);
  report.summary(trainingSummary(result, given.steps, tokensPerStep));
}

function chosenSequences(
  { numSequences }: PatchSequences,
  { sequencesPerStep }: TransformerFields,
  number: number,
  seed: number,
): number[] {
  return shuffledBatch(numSequences, sequencesPerStep, number, seed, LABEL);
}

function modelConfig({ config, inputs }: TransformerContext): TransformerConfig {
  const { vocabSize, padId, endOfTextId } = inputs.tokens.index;
  return transformerSchema.parse({
    ...config,
    vocabSize,
    // The embedding of padding is not trained, and end-of-text is to be.
    padTokenId: padId === endOfTextId ? null : padId,
    eosTokenId: endOfTextId,
    maxPositionEmbeddings: config.tokensPerSequence,
  });
}

/** Every token but the last, and every token but the first. */
function toBatch(sequences: readonly Int32Array[]): Batch {
  const width = commonLength(sequences) - 1;
  const targets = new Int32Array(sequences.length * width);
  sequences.forEach((ids, row) => {
    targets.set(ids.subarray(1), row * width);
  });
  return { ids: joinRows(sequences.map((ids) => ids.subarray(0, width))), targets: intTensor(targets) };
}

/** Held-out cross-entropy, and BrierLM where it is asked for. */
function heldOut(
  { config, inputs, seed, report }: TransformerContext,
  engine: Engine,
  model: TransformerConfig,
) {
  const stream = new PatchSequences(inputs.tokens.split('validation'), 1, config.tokensPerSequence);
  const sequences = evenlySpread(stream.numSequences, config.evaluateSequences).map((sequence) =>
    stream.read(sequence),
  );
  if (sequences.length === 0) {
    report.warn('the validation split is shorter than one sequence; nothing is measured on held-out text');
    return undefined;
  }
  const wanted = { key: 'evaluateSequences', count: config.evaluateSequences };
  noteFewer(wanted, sequences.length, 'held-out sequences', report);
  let decoder: TransformerDecoder | undefined;
  return async (parameters: TensorMap, pause: () => Promise<void>): Promise<Record<string, number>> => {
    decoder ??= new TransformerDecoder(engine, { config: model, parameters }, true);
    decoder.use(parameters);
    const loss = await measureCrossEntropy(decoder, sequences, pause);
    if (!config.evaluateBrier) return heldOutValues({ loss });
    const batches = await scoreBrier(decoder, sequences, seed, { pause });
    const { brierLM, brier } = aggregateBrier(batches, 'weighted');
    const factors = Object.fromEntries(brier.map((factor, n) => [`brier${n + 1}`, factor]));
    return heldOutValues({ loss, brierLM, ...factors });
  };
}
