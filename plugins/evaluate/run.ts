import type { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { DocumentPatches, evenlySpread } from 'calm-lm/data';
import { disposeTree, type Engine, type Tensor, tf } from 'calm-lm/engine';
import { notEnoughTokens } from 'calm-lm/errors';
import {
  type BrierBatch,
  EnergyScore,
  estimateBrier,
  measureReconstruction,
  measureTemperature,
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
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { choose, powerOf } from 'calm-lm/sampling';
import type { z } from 'zod';
import { headSampling, REFERENCE_BLOCKS } from '../shared/evaluation-fields.ts';
import type {
  BrierReport,
  EnergyReport,
  Evaluation,
  evaluation,
  TemperatureReport,
} from '../shared/evaluations.ts';
import { brierReport, eachBatch, type HeldOut, heldOutSequences, unigramReport } from '../shared/held-out.ts';
import type { config } from './config.ts';

type Inputs = {
  tokens: typeof tokenShards;
  autoencoder: typeof autoencoderFolder;
  model: OptionalPort<typeof languageModelFolder>;
};
type Context = StageContext<z.infer<typeof config>, Inputs, { evaluation: typeof evaluation }>;

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, config } = context;
  const engine = await context.engine();
  const asks = (measure: (typeof config.measures)[number]) => config.measures.includes(measure);
  const result: { -readonly [Key in keyof Evaluation]: Evaluation[Key] } = {};
  if (asks('reconstruction')) result.reconstruction = await reconstruct(context, engine);
  const model = inputs.model && (await loadLanguageModel(inputs.model));
  if (model) {
    const heldOut = heldOutBlocks(context, model.config.patchSize);
    const decoder = new PatchDecoder(engine, model, headSampling(config));
    if (asks('brierlm')) result.brierlm = await scoreModel(context, decoder, heldOut, 'BrierLM');
    if (asks('energy')) result.energy = await measureEnergy(context, engine, decoder, heldOut);
    if (asks('baselines')) {
      result.untrained = await scoreUntrained(context, engine, model, heldOut);
      result.unigram = unigramReport(inputs.tokens, heldOut, model.config.patchSize, context.seed);
    }
    if (asks('temperature')) result.temperature = await measureTemperatures(context, decoder, heldOut);
    disposeLanguageModel(model);
  }
  await outputs.evaluation.write(result);
  report.summary(result as Record<string, unknown>);
}

/** The sequences that are scored: those that are asked for, or all blocks of one of the reference's protocols. */
function heldOutBlocks({ config, inputs }: Context, patchSize: number): HeldOut {
  const block = REFERENCE_BLOCKS[config.protocol];
  return block === undefined
    ? heldOutSequences(inputs.tokens, patchSize, config.patchesPerSequence, config.numSequences)
    : heldOutSequences(inputs.tokens, patchSize, Math.floor(block / patchSize), Number.POSITIVE_INFINITY);
}

async function reconstruct({ inputs, config, seed, report }: Context, engine: Engine) {
  report.note('measuring the reconstruction');
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const patches = new DocumentPatches(
    inputs.tokens.split('validation'),
    autoencoder.config.patchSize,
    inputs.tokens.index.padId,
  );
  if (patches.numPatches === 0) throw notEnoughTokens('validation', 0, autoencoder.config.patchSize);
  const ids = patches.readMany(evenlySpread(patches.numPatches, config.numPatches));
  const result = await measureReconstruction(engine, autoencoder, ids, seed);
  disposeTree(autoencoder.parameters);
  return result;
}

async function scoreModel(
  context: Context,
  decoder: PatchDecoder,
  { sequences, documents }: HeldOut,
  what: string,
): Promise<BrierReport> {
  const { config, seed, report } = context;
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
    batches.push(await estimateBrier(decoder, batch, draws, { numSamples }));
  });
  const score = brierReport(
    batches,
    documents,
    { protocol: config.protocol === 'weighted' ? 'weighted' : 'reference', numSamples },
    seed,
  );
  return { ...score, protocol: config.protocol };
}

async function measureEnergy(
  { inputs, seed, report }: Context,
  engine: Engine,
  decoder: PatchDecoder,
  { sequences }: HeldOut,
): Promise<EnergyReport> {
  report.note('measuring the energy loss');
  const { config, autoencoder } = decoder.model;
  const { patchSize, latentSize } = config;
  const encoder = await CorpusEncoder.create(engine, autoencoder);
  const encoded = [];
  for (const ids of sequences) encoded.push({ ids, latents: await encoder.encode(ids) });
  const score = new EnergyScore(engine, config, encoded, seed);
  const train = inputs.tokens.split('train');
  const numPatches = Math.floor(train.length / patchSize);
  const contextFree = await score.ofContextFree(async (count, batch) => {
    const stream = new RandomStream(seed, 'context-free', batch);
    const ids = new Int32Array(count * patchSize);
    for (let i = 0; i < count; i++)
      ids.set(train.read(stream.nextInteger(numPatches) * patchSize, patchSize), i * patchSize);
    const { mean, logStd } = await encoder.encode(ids);
    const noise = stream.normals(count * latentSize);
    return mean.map((value, i) => value + noise[i] * Math.exp(logStd[i]));
  });
  const own = await score.ofModel(decoder);
  encoder.dispose();
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
  const decoder = new PatchDecoder(engine, { ...model, parameters }, headSampling(context.config));
  const score = await scoreModel(context, decoder, heldOut, 'the untrained model');
  disposeTree(parameters);
  return score;
}

/** Accuracy and collisions at every temperature and number of candidates. */
async function measureTemperatures(
  context: Context,
  decoder: PatchDecoder,
  { sequences }: HeldOut,
): Promise<TemperatureReport[]> {
  const { config, seed, report } = context;
  const found: TemperatureReport[] = [];
  for (const temperature of config.temperatures) {
    // One plain draw needs no candidates.
    for (const numCandidates of temperature === 1 ? [1] : config.candidateCounts) {
      report.note(`measuring temperature ${temperature.toPrecision(3)}, ${numCandidates} candidates`);
      context.signal.throwIfAborted();
      const choosing = { decoder, seed, temperature, numCandidates };
      const measured = await measureTemperature(
        decoder,
        sequences,
        config.windowsPerSequence,
        (hidden, text, step) => chooseInPieces(choosing, hidden, [text, step]),
      );
      found.push({ temperature, numCandidates, ...measured });
    }
  }
  return found;
}

/** Candidates that are drawn at once: their activations are held. */
const CANDIDATES_AT_ONCE = 2 ** 16;

interface Choosing {
  readonly decoder: PatchDecoder;
  readonly seed: number;
  readonly temperature: number;
  readonly numCandidates: number;
}

/** One patch for each hidden state, a piece of them at a time. */
async function chooseInPieces(
  { decoder, seed, temperature, numCandidates }: Choosing,
  hidden: Tensor,
  labels: readonly number[],
): Promise<Int32Array[]> {
  const [count, size] = hidden.shape as [number, number];
  const length = Math.max(1, Math.floor(CANDIDATES_AT_ONCE / numCandidates));
  const patches: Int32Array[] = [];
  for (let first = 0; first < count; first += length) {
    const piece = tf.slice(hidden, [first, 0], [Math.min(length, count - first), size]);
    const stream = (purpose: string) =>
      new RandomStream(seed, 'temperature', numCandidates, String(temperature), ...labels, first, purpose);
    const uniforms = stream('choice').uniforms(piece.shape[0]);
    const draws = {
      noise: (wanted: number) => decoder.drawNoise(stream('noise'), wanted),
      uniform: (row: number) => uniforms[row],
    };
    patches.push(
      ...(await choose(decoder, piece, powerOf(temperature), { temperature, numCandidates }, draws)).patches,
    );
    piece.dispose();
  }
  return patches;
}
