import type { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { DocumentPatches, evenlySpread, PatchSequences } from 'calm-lm/data';
import { disposeTree, type Engine } from 'calm-lm/engine';
import { notEnoughTokens } from 'calm-lm/errors';
import { aggregateBrier, type BrierBatch, brierInterval, EnergyEvaluator, estimateBrier, measureReconstruction, UnigramCounts } from 'calm-lm/evaluation';
import {
  CorpusEncoder,
  calmTable,
  disposeLanguageModel,
  initParameters,
  type LanguageModel,
  loadAutoencoder,
  loadLanguageModel,
  PatchDecoder,
} from 'calm-lm/models';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import type { z } from 'zod';
import type { config } from './config.ts';
import type { BrierReport, EnergyReport, Evaluation, evaluation } from './evaluation.ts';

type Inputs = { tokens: typeof tokenShards; autoencoder: typeof autoencoderFolder; model: OptionalPort<typeof languageModelFolder> };
type Context = StageContext<z.infer<typeof config>, Inputs, { evaluation: typeof evaluation }>;

/** The reference scores with two draws a position. */
const NUM_BRIER_SAMPLES = 2;

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, config } = context;
  const engine = await context.engine();
  const asks = (measure: (typeof config.measures)[number]) => config.measures.includes(measure);
  const result: { -readonly [Key in keyof Evaluation]: Evaluation[Key] } = {};
  if (asks('reconstruction')) result.reconstruction = await reconstruct(context, engine);
  const model = inputs.model && (await loadLanguageModel(inputs.model));
  if (model) {
    const heldOut = heldOutSequences(context, model);
    if (asks('brierlm')) result.brierlm = await scoreModel(context, engine, model, heldOut, 'BrierLM');
    if (asks('energy')) result.energy = await measureEnergy(context, engine, model, heldOut);
    if (asks('baselines')) Object.assign(result, await scoreBaselines(context, engine, model, heldOut));
    disposeLanguageModel(model);
  }
  await outputs.evaluation.write(result);
  report.summary(result as Record<string, unknown>);
}

async function reconstruct({ inputs, config, seed, report }: Context, engine: Engine) {
  report.note('measuring the reconstruction');
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const patches = new DocumentPatches(inputs.tokens.split('validation'), autoencoder.config.patchSize, inputs.tokens.index.padId);
  if (patches.numPatches === 0) throw notEnoughTokens('validation', 0, autoencoder.config.patchSize);
  const ids = patches.readMany(evenlySpread(patches.numPatches, config.numPatches));
  const result = await measureReconstruction(engine, autoencoder, ids, seed);
  disposeTree(autoencoder.parameters);
  return result;
}

/** Sequences that are scored, and the document of each. */
interface HeldOut {
  readonly sequences: readonly Int32Array[];
  readonly documents: readonly number[];
}

function heldOutSequences({ inputs, config }: Context, model: LanguageModel): HeldOut {
  const stream = inputs.tokens.split('validation');
  const { patchSize } = model.config;
  const sequences = new PatchSequences(stream, patchSize, config.patchesPerSequence);
  if (sequences.numSequences === 0) throw notEnoughTokens('validation', stream.length, patchSize * config.patchesPerSequence);
  const chosen = evenlySpread(sequences.numSequences, config.numSequences);
  return { sequences: chosen.map((sequence) => sequences.read(sequence)), documents: sequences.documentsOf(chosen) };
}

async function scoreModel(
  { config, seed, report, signal }: Context,
  engine: Engine,
  model: LanguageModel,
  { sequences, documents }: HeldOut,
  what: string,
): Promise<BrierReport> {
  const decoder = new PatchDecoder(engine, model);
  const batches: BrierBatch[] = [];
  report.note(`scoring ${what}`);
  for (let start = 0; start < sequences.length; start += config.sequencesPerBatch) {
    signal.throwIfAborted();
    const draws = {
      accuracy: (size: number) => new RandomStream(seed, 'brier', start).uniforms(size, -0.5),
      rollout: (window: number, step: number, size: number) => new RandomStream(seed, 'brier rollout', start, window, step).uniforms(size, -0.5),
    };
    batches.push(await estimateBrier(decoder, sequences.slice(start, start + config.sequencesPerBatch), draws));
    report.progress({ step: Math.min(start + config.sequencesPerBatch, sequences.length), steps: sequences.length });
    await new Promise(setImmediate);
  }
  const interval = brierInterval(
    batches.flatMap(({ rows }) => rows),
    documents,
    config.protocol,
    seed,
  );
  return { ...aggregateBrier(batches, config.protocol), ...(interval ? { interval } : {}), numSamples: NUM_BRIER_SAMPLES, protocol: config.protocol };
}

async function measureEnergy({ inputs, seed, report }: Context, engine: Engine, model: LanguageModel, { sequences }: HeldOut): Promise<EnergyReport> {
  report.note('measuring the energy loss');
  const { patchSize, latentSize } = model.config;
  const encoder = await CorpusEncoder.create(engine, model.autoencoder);
  const prepared = [];
  for (const ids of sequences) prepared.push({ ids, targets: await encoder.encode(ids.subarray(patchSize)) });
  const evaluator = new EnergyEvaluator(engine, model.config, prepared, seed);
  const train = inputs.tokens.split('train');
  const numPatches = Math.floor(train.length / patchSize);
  const contextFree = await evaluator.measureContextFree(async (count, batch) => {
    const stream = new RandomStream(seed, 'context-free', batch);
    const ids = new Int32Array(count * patchSize);
    for (let i = 0; i < count; i++) ids.set(train.read(stream.nextInteger(numPatches) * patchSize, patchSize), i * patchSize);
    const { mean, logStd } = await encoder.encode(ids);
    const noise = stream.normals(count * latentSize);
    return mean.map((value, i) => value + noise[i] * Math.exp(logStd[i]));
  });
  const own = await evaluator.measure(model.parameters);
  encoder.dispose();
  return { ...own, contextFreeLoss: contextFree.loss };
}

/** BrierLM of the model as it was before its first step, and of a unigram sampler. */
async function scoreBaselines(context: Context, engine: Engine, model: LanguageModel, heldOut: HeldOut): Promise<Pick<Evaluation, 'untrained' | 'unigram'>> {
  const { inputs, seed } = context;
  const { patchSize, vocabSize, initializerRange } = model.config;
  const parameters = initParameters(calmTable(model.config), seed, initializerRange);
  const untrained = await scoreModel(context, engine, { ...model, parameters }, heldOut, 'the untrained model');
  disposeTree(parameters);
  const counts = new UnigramCounts(vocabSize);
  const train = inputs.tokens.split('train');
  for (let start = 0; start < train.length; start += 2 ** 20) counts.add(train.read(start, Math.min(2 ** 20, train.length - start)));
  const { rows, ...score } = counts.score(
    heldOut.sequences.map((ids) => ids.subarray(patchSize)),
    patchSize,
  );
  const interval = brierInterval(rows, heldOut.documents, 'weighted', seed);
  return { untrained, unigram: { ...score, ...(interval ? { interval } : {}) } };
}
