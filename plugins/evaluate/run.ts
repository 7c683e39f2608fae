import { DocumentPatches } from 'calm-lm/data';
import { disposeTree, type Engine } from 'calm-lm/engine';
import { notEnoughTokens, nothingToCompareWith, nothingToEvaluate } from 'calm-lm/errors';
import {
  type BrierBatch,
  type EncodedSequence,
  EnergyScore,
  estimateBrier,
  measureReconstruction,
} from 'calm-lm/evaluation';
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
import { RandomStream } from 'calm-lm/random';
import { REFERENCE_BLOCKS, tokensAtOnce } from '../shared/evaluation-fields.ts';
import type { BrierReport, EnergyReport, Evaluation } from '../shared/evaluations.ts';
import {
  brierReport,
  eachBatch,
  type HeldOut,
  heldOutPatches,
  heldOutSequences,
  unigramReport,
} from '../shared/held-out.ts';
import { pauseFor } from '../shared/pause.ts';
import { warnOfEnergy, warnOfReconstruction } from '../shared/result-warnings.ts';
import type { Context } from './context.ts';
import { measureTemperatures } from './temperature.ts';

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, config } = context;
  const engine = await context.engine();
  const asks = (measure: (typeof config.measures)[number]) => config.measures.includes(measure);
  const result: { -readonly [Key in keyof Evaluation]: Evaluation[Key] } = {};
  const model = inputs.model && (await loadLanguageModel(inputs.model));
  if (asks('reconstruction')) result.reconstruction = await reconstruct(context, engine, model);
  if (model) {
    checkTrainingSplit(context, model.config.patchSize);
    const heldOut = await heldOutBlocks(context, model.config.patchSize);
    const decoder = new PatchDecoder(engine, model, config.headSampling);
    if (asks('brierlm')) result.brierlm = await scoreModel(context, decoder, heldOut, 'BrierLM');
    if (asks('energy')) result.energy = await measureEnergy(context, engine, decoder, heldOut);
    if (asks('baselines')) {
      result.untrained = await scoreUntrained(context, engine, model, heldOut);
      result.unigram = await unigramReport(inputs.tokens, heldOut, model.config.patchSize, context);
    }
    if (asks('temperature')) result.temperature = await measureTemperatures(context, decoder, heldOut);
    disposeLanguageModel(model);
  }
  await outputs.evaluation.write(result);
  report.summary(result as Record<string, unknown>);
  report.headline(headlineOf(result));
}

function headlineOf({ brierlm, reconstruction }: Evaluation): Record<string, number> {
  return {
    ...(brierlm ? { BrierLM: brierlm.brierLM } : {}),
    ...(reconstruction ? { 'reconstruction accuracy': reconstruction.tokenAccuracy } : {}),
  };
}

/** The sequences that are scored: those that are asked for, or all blocks of one of the reference's protocols. */
function heldOutBlocks(context: Context, patchSize: number): Promise<HeldOut> {
  const { config, inputs } = context;
  const patchesPerSequence = tokensAtOnce(config, patchSize) / patchSize;
  const count = config.protocol in REFERENCE_BLOCKS ? Number.POSITIVE_INFINITY : config.numSequences;
  const wanted = { key: 'numSequences', count };
  return heldOutSequences(inputs.tokens, { patchSize, patchesPerSequence }, wanted, context);
}

/** Two measures compare with what the training split's tokens alone can do. */
function checkTrainingSplit({ config, inputs }: Context, patchSize: number): void {
  const compared = config.measures.filter((measure) => measure === 'energy' || measure === 'baselines');
  const { length } = inputs.tokens.split('train');
  if (compared.length > 0 && length < patchSize) throw nothingToCompareWith(compared, length, patchSize);
}

/** Of the autoencoder that is given, or else of the one that the model has inside. */
async function reconstruct(context: Context, engine: Engine, model: LanguageModel | undefined) {
  const { inputs, config, seed, report, signal } = context;
  report.note('measuring the reconstruction');
  const own = inputs.autoencoder && (await loadAutoencoder(inputs.autoencoder));
  const autoencoder = own ?? model?.autoencoder;
  if (!autoencoder) throw nothingToEvaluate();
  const patches = new DocumentPatches(
    inputs.tokens.split('validation'),
    autoencoder.config.patchSize,
    inputs.tokens.index.padId,
  );
  if (patches.numPatches === 0) throw notEnoughTokens('validation', 0, autoencoder.config.patchSize);
  const ids = await heldOutPatches(patches, { key: 'numPatches', count: config.numPatches }, context);
  const result = await measureReconstruction(engine, autoencoder, ids, seed, { pause: pauseFor(signal) });
  if (own) disposeTree(own.parameters);
  warnOfReconstruction(report, result.tokenAccuracy);
  return result;
}

async function scoreModel(
  context: Context,
  decoder: PatchDecoder,
  { sequences, documents }: HeldOut,
  what: string,
): Promise<BrierReport> {
  const { config, seed, report, signal } = context;
  const pause = pauseFor(signal);
  const batches: BrierBatch[] = [];
  report.note(`scoring ${what}`);
  const isReference = config.protocol in REFERENCE_BLOCKS;
  const numSamples = isReference ? 2 : config.numSamples;
  await eachBatch(sequences, isReference ? 1 : config.sequencesPerBatch, context, async (batch, first) => {
    const draws = {
      accuracy: (size: number) => decoder.drawNoise(new RandomStream(seed, 'brier', first), size),
      rollout: (_: unknown, step: number, size: number) =>
        decoder.drawNoise(new RandomStream(seed, 'brier rollout', first, step), size),
    };
    batches.push(await estimateBrier(decoder, batch, draws, { numSamples, pause }));
  });
  const score = await brierReport(
    batches,
    documents,
    { protocol: config.protocol === 'weighted' ? 'weighted' : 'reference', numSamples },
    context,
  );
  return { ...score, protocol: config.protocol };
}

async function measureEnergy(
  { inputs, seed, report, signal }: Context,
  engine: Engine,
  decoder: PatchDecoder,
  { sequences }: HeldOut,
): Promise<EnergyReport> {
  report.note('measuring the energy loss');
  const { config, autoencoder } = decoder.model;
  const { patchSize, latentSize } = config;
  const encoder = await CorpusEncoder.create(engine, autoencoder);
  const pause = pauseFor(signal);
  const encoded: EncodedSequence[] = [];
  for (const ids of sequences) {
    await pause();
    encoded.push({ ids, latents: await encoder.encode(ids) });
  }
  const score = new EnergyScore(engine, config, encoded, seed);
  const train = inputs.tokens.split('train');
  const numPatches = Math.floor(train.length / patchSize);
  const contextFree = await score.ofContextFree(async (count, batch) => {
    const stream = new RandomStream(seed, 'context-free', batch);
    const ids = new Int32Array(count * patchSize);
    for (let i = 0; i < count; i++)
      ids.set(train.read(stream.nextInteger(numPatches) * patchSize, patchSize), i * patchSize);
    await pause();
    const { mean, logStd } = await encoder.encode(ids);
    const noise = stream.normals(count * latentSize);
    return mean.map((value, i) => value + noise[i] * Math.exp(logStd[i]));
  }, pause);
  const own = await score.ofModel(decoder, pause);
  encoder.dispose();
  warnOfEnergy(report, own.loss, contextFree.loss);
  return { ...own, contextFreeLoss: contextFree.loss };
}

/** BrierLM of the model as it was before its first step. */
async function scoreUntrained(
  context: Context,
  engine: Engine,
  model: LanguageModel,
  heldOut: HeldOut,
): Promise<BrierReport> {
  const parameters = initParameters(
    calmTable(model.config, model.head),
    context.seed,
    model.config.initializerRange,
  );
  const decoder = new PatchDecoder(engine, { ...model, parameters }, context.config.headSampling);
  const score = await scoreModel(context, decoder, heldOut, 'the untrained model');
  disposeTree(parameters);
  return score;
}
