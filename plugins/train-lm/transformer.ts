import { CheckpointStore, languageModelFolder, type Split } from 'calm-lm/artifacts';
import { evenlySpread, type Sequences, shuffledBatch } from 'calm-lm/data';
import { disposeTree, type Engine, type TensorMap } from 'calm-lm/engine';
import { notEnoughTokens } from 'calm-lm/errors';
import {
  aggregateBrier,
  measureCrossEntropy,
  noteFewer,
  scoreBrier,
  type TokenBatch,
  tokenBatch,
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
import { openSequences } from './sequences.ts';

export type TransformerContext = Context<TransformerFields>;

/** Random numbers stand under the name that this training had as a stage of its own. */
const LABEL = 'train-baseline';

/** A Llama over tokens, by cross-entropy (paper §7). */
export async function trainTransformer(context: TransformerContext): Promise<void> {
  const { config: given, inputs, outputs, report, seed, signal } = context;
  const engine = await context.engine();
  const model = modelConfig(context);
  const tokensPerStep = given.accumulationSteps * given.sequencesPerStep * given.tokensPerSequence;
  const training = sequencesIn(context, 'train');
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
  const { parameters, ...result } = await train<TokenBatch>({
    ...trainerOptions(given, optimizer),
    stage: 'train-lm',
    engine,
    parameters: parts.learnt,
    frozen: parts.frozen,
    tokensPerStep,
    checkpoints: new CheckpointStore(context.checkpoints, given.keepCheckpoints, given.checkpointEvery),
    report,
    signal,
    cluster: context.cluster,
    loss: (current, { ids, targets, positions, weights }) => ({
      loss: transformerLoss(current, model, ids, targets, positions, weights),
    }),
    batch: (number) => toBatch(training, chosenSequences(training, given, number, seed), model),
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
  { numSequences }: Sequences,
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

function sequencesIn({ config, inputs, report }: TransformerContext, split: Split): Sequences {
  const sizes = { patchSize: 1, patchesPerSequence: config.tokensPerSequence, packed: config.packed };
  return openSequences(inputs.tokens, split, sizes, report);
}

function toBatch(training: Sequences, chosen: readonly number[], model: TransformerConfig): TokenBatch {
  const ids = chosen.map((sequence) => training.read(sequence));
  return tokenBatch(ids, learntIn(training, chosen, ids, model));
}

/** Of some sequences the tokens that are to be learnt, none of padding; undefined where all are. */
function learntIn(
  sequences: Sequences,
  chosen: readonly number[],
  ids: readonly Int32Array[],
  { padTokenId }: TransformerConfig,
): Uint8Array[] | undefined {
  const found = chosen.flatMap((sequence, row) => {
    const tokens = ids[row] as Int32Array;
    return sequences.learnt(sequence)?.map((one, i) => (tokens[i] === padTokenId ? 0 : one)) ?? [];
  });
  return found.length > 0 ? found : undefined;
}

/** Held-out cross-entropy, and BrierLM where it is asked for. */
function heldOut(context: TransformerContext, engine: Engine, model: TransformerConfig) {
  const { config, seed, report } = context;
  const stream = sequencesIn(context, 'validation');
  const chosen = evenlySpread(stream.numSequences, config.evaluateSequences);
  const sequences = chosen.map((sequence) => stream.read(sequence));
  const learnt = learntIn(stream, chosen, sequences, model);
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
    const loss = await measureCrossEntropy(decoder, sequences, pause, learnt);
    if (!config.evaluateBrier) return heldOutValues({ loss });
    const batches = await scoreBrier(decoder, sequences, seed, { pause });
    const { brierLM, brier } = aggregateBrier(batches, 'weighted');
    const factors = Object.fromEntries(brier.map((factor, n) => [`brier${n + 1}`, factor]));
    return heldOutValues({ loss, brierLM, ...factors });
  };
}
