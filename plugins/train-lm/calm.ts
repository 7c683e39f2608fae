import { CheckpointStore, type Latents, languageModelFolder, type Split } from 'calm-lm/artifacts';
import { evenlySpread, type Sequences, shuffledBatch } from 'calm-lm/data';
import { disposeTree, type Engine, type TensorMap } from 'calm-lm/engine';
import { headTakesNoWeights, modelMismatch, notEnoughTokens, nothingLearnt } from 'calm-lm/errors';
import {
  batchSequences,
  type EncodedBatch,
  type EncodedSequence,
  HeldOutLoss,
  noteFewer,
  numLearnt,
  warnOfLoss,
} from 'calm-lm/evaluation';
import {
  type AnyHead,
  AUTOENCODER_PREFIX,
  type Autoencoder,
  type CalmConfig,
  CorpusEncoder,
  calmLoss,
  calmTable,
  initParameters,
  loadAutoencoder,
  loadHead,
  PatchDecoder,
  savedConfig,
  startCalm,
  storeParameters,
} from 'calm-lm/models';
import { calmSchema } from 'calm-lm/models/config';
import { RandomStream } from 'calm-lm/random';
import { train } from 'calm-lm/training';
import { directionsOf, heldOutValues } from '../training/labels.ts';
import { beginTraining } from '../training/start.ts';
import { trainerOptions, trainingSummary } from '../training/trainer.ts';
import type { CalmFields } from './config.ts';
import type { Context } from './context.ts';
import { calmLabels } from './labels.ts';
import { samplesWhileTraining } from './samples.ts';
import { openSequences } from './sequences.ts';

export type CalmContext = Context<CalmFields>;
/** What the loss takes: sequences, their targets, and the draws of the head. */
type Batch = Omit<EncodedBatch, 'mean' | 'logStd'> & {
  readonly targets: Pick<EncodedBatch, 'mean' | 'logStd'>;
  readonly draws: TensorMap;
};

const LABEL = 'train-lm';

/** Backbone and head, with the frozen autoencoder beside them. */
export async function trainCalm(context: CalmContext): Promise<void> {
  const { config: given, inputs, outputs, report, seed, signal } = context;
  const engine = await context.engine();
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const model = modelConfig(context, autoencoder);
  const head = await loadHead(model.head.name);
  if (!head.takesWeights && (inputs.tokens.index.pairs || given.packed === false))
    throw headTakesNoWeights(model.head.name);
  const source = await SequenceSource.open(context, engine, autoencoder);
  const evaluator = await heldOutLoss(context, engine, model, head, source);
  const { optimizer, ...parts } = await beginTraining(
    context,
    languageModelFolder,
    initParameters(calmTable(model, head), seed, model.initializerRange),
    (folder, drawn) => startCalm(folder, model, autoencoder, drawn),
  );
  const frozen = await storeParameters(autoencoder.parameters, AUTOENCODER_PREFIX);
  const configs = { config: savedConfig(model), ae_config: autoencoder.config };
  await outputs.model.writeUntrained(
    context.checkpoints,
    configs,
    [...(await storeParameters(parts.frozen)), ...frozen],
    inputs.tokens.tokenizerFile,
  );
  report.logTo(given.logTo);
  const { parameters, ...result } = await train<Batch>({
    ...trainerOptions(given, optimizer),
    stage: LABEL,
    engine,
    parameters: parts.learnt,
    frozen: parts.frozen,
    tokensPerStep: tokensPerStep(given, model),
    checkpoints: new CheckpointStore(context.checkpoints, given.keepCheckpoints, given.checkpointEvery),
    report,
    signal,
    cluster: context.cluster,
    loss: (current, batch) => calmLoss(current, model, head, batch, batch.draws),
    batch: (number) => drawBatch(source, given, model, head, number, seed),
    describeBatch: (number) => {
      const sequences = chosenSequences(source, given, number, seed);
      return { sequences, documents: source.documentsOf('train', sequences) };
    },
    evaluate:
      evaluator &&
      (async (current: TensorMap, pause: () => Promise<void>) =>
        heldOutValues(await evaluator.measure(parts.whole(current), pause))),
    directions: directionsOf(calmLabels(model.head.name)),
    ...samplesWhileTraining(
      context,
      (current) =>
        new PatchDecoder(engine, { config: model, head, parameters: current, autoencoder }, {}, true),
      parts.whole,
    ),
  });
  await outputs.model.write(
    configs,
    [...(await storeParameters(parts.whole(parameters))), ...frozen],
    inputs.tokens.tokenizerFile,
  );
  disposeTree({ parameters, frozen: parts.frozen, autoencoder: autoencoder.parameters });
  source.close();
  warnOfLoss(report, result.metrics);
  report.summary(trainingSummary(result, given.steps, tokensPerStep(given, model)));
}

function tokensPerStep(
  { accumulationSteps, sequencesPerStep, patchesPerSequence }: CalmFields,
  { patchSize }: CalmConfig,
): number {
  return accumulationSteps * sequencesPerStep * patchesPerSequence * patchSize;
}

function modelConfig({ config, inputs }: CalmContext, { config: autoencoder }: Autoencoder): CalmConfig {
  const { vocabSize, padId, endOfTextId } = inputs.tokens.index;
  if (autoencoder.vocabSize !== vocabSize)
    throw modelMismatch('vocabSize of the autoencoder and the tokens', vocabSize, autoencoder.vocabSize);
  const { patchSize, latentSize } = autoencoder;
  return calmSchema.parse({
    ...config,
    vocabSize,
    patchSize,
    latentSize,
    // The embedding of padding is not trained, and end-of-text is to be.
    padTokenId: padId === endOfTextId ? null : padId,
    eosTokenId: endOfTextId,
    maxPositionEmbeddings: config.patchesPerSequence,
  });
}

/** Sequences with their targets: read from latent shards, or encoded on the way. */
class SequenceSource {
  readonly #context: CalmContext;
  readonly #encoder: CorpusEncoder | undefined;
  readonly #sequences: Record<Split, Sequences>;

  private constructor(context: CalmContext, encoder: CorpusEncoder | undefined, patchSize: number) {
    this.#context = context;
    this.#encoder = encoder;
    const { inputs, config, report } = context;
    const open = (split: Split) => openSequences(inputs.tokens, split, { patchSize, ...config }, report);
    this.#sequences = { train: open('train'), validation: open('validation') };
  }

  static async open(context: CalmContext, engine: Engine, autoencoder: Autoencoder): Promise<SequenceSource> {
    const { latents, tokens } = context.inputs;
    const { patchSize, latentSize } = autoencoder.config;
    if (latents && latents.index.patchSize !== patchSize)
      throw modelMismatch('patchSize of the latents and the autoencoder', patchSize, latents.index.patchSize);
    if (latents && latents.index.latentSize !== latentSize)
      throw modelMismatch(
        'latentSize of the latents and the autoencoder',
        latentSize,
        latents.index.latentSize,
      );
    const source = new SequenceSource(
      context,
      // Documents that are no whole patches have none of the patches of the shards.
      latents && (context.config.packed !== false || tokens.index.pairs)
        ? undefined
        : await CorpusEncoder.create(engine, autoencoder),
      patchSize,
    );
    const needed = context.config.patchesPerSequence * patchSize;
    if (source.count('train') === 0) throw notEnoughTokens('train', tokens.split('train').length, needed);
    return source;
  }

  count(split: Split): number {
    return this.#sequences[split].numSequences;
  }

  async read(split: Split, sequence: number): Promise<EncodedSequence> {
    const sequences = this.#sequences[split];
    const ids = sequences.read(sequence);
    const shards = this.#context.inputs.latents;
    const stored = shards && sequences.readLatents(shards, split, sequence);
    const latents: Latents = stored ?? (await this.#encoderOf().encode(ids));
    return { ids, latents, learnt: sequences.learnt(sequence) };
  }

  /** Present wherever latents are not read. */
  #encoderOf(): CorpusEncoder {
    return this.#encoder as CorpusEncoder;
  }

  /** The document in which each of these sequences begins. */
  documentsOf(split: Split, sequences: readonly number[]): number[] {
    return this.#sequences[split].documentsOf(sequences);
  }

  close(): void {
    this.#encoder?.dispose();
  }
}

function chosenSequences(
  source: SequenceSource,
  { sequencesPerStep }: CalmFields,
  number: number,
  seed: number,
): number[] {
  return shuffledBatch(source.count('train'), sequencesPerStep, number, seed, LABEL);
}

/** A batch and its draws, from (seed, number) alone. */
async function drawBatch(
  source: SequenceSource,
  config: CalmFields,
  model: CalmConfig,
  head: AnyHead,
  number: number,
  seed: number,
): Promise<Batch> {
  const sequences: EncodedSequence[] = [];
  for (const sequence of chosenSequences(source, config, number, seed))
    sequences.push(await source.read('train', sequence));
  const { mean, logStd, ...read } = batchSequences(sequences, model);
  const streams = (purpose: string) => new RandomStream(seed, LABEL, purpose, number);
  const draws = head.drawTraining(model, mean.shape[0], streams);
  return { ...read, targets: { mean, logStd }, draws };
}

async function heldOutLoss(
  { config, seed, report, pause }: CalmContext,
  engine: Engine,
  model: CalmConfig,
  head: AnyHead,
  source: SequenceSource,
): Promise<HeldOutLoss | undefined> {
  const chosen = evenlySpread(source.count('validation'), config.evaluateSequences);
  if (chosen.length === 0) {
    report.warn('the validation split is shorter than one sequence; nothing is measured on held-out text');
    return undefined;
  }
  const sequences: EncodedSequence[] = [];
  const wanted = { key: 'evaluateSequences', count: config.evaluateSequences };
  noteFewer(wanted, chosen.length, 'held-out sequences', report);
  for (const sequence of chosen) {
    await pause();
    sequences.push(await source.read('validation', sequence));
  }
  if (numLearnt(sequences, model) === 0) throw nothingLearnt('validation');
  return new HeldOutLoss(engine, model, head, sequences, seed);
}
