import {
  type autoencoderFolder,
  CheckpointStore,
  type Latents,
  type languageModelFolder,
  type latentShards,
  type Split,
  type tokenShards,
} from 'calm-lm/artifacts';
import { evenlySpread, PatchSequences, shuffledBatch } from 'calm-lm/data';
import { disposeTree, type Engine, floatTensor, intTensor, type Tensor, type TensorMap } from 'calm-lm/engine';
import { modelMismatch, notEnoughTokens } from 'calm-lm/errors';
import { EnergyEvaluator, type EnergySequence } from 'calm-lm/evaluation';
import {
  AUTOENCODER_PREFIX,
  type Autoencoder,
  type CalmConfig,
  CorpusEncoder,
  calmLoss,
  calmTable,
  initParameters,
  loadAutoencoder,
  storeParameters,
} from 'calm-lm/models';
import { CALM_DEFAULTS, configure } from 'calm-lm/models/config';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { train } from 'calm-lm/training';
import type { z } from 'zod';
import { trainerOptions } from '../training-fields.ts';
import type { config } from './config.ts';

type Config = z.infer<typeof config>;
type Inputs = { tokens: typeof tokenShards; autoencoder: typeof autoencoderFolder; latents: OptionalPort<typeof latentShards> };
type Context = StageContext<Config, Inputs, { model: typeof languageModelFolder }>;
type Batch = { readonly ids: Tensor; readonly mean: Tensor; readonly logStd: Tensor; readonly noise: Tensor; readonly targetNoise: Tensor };

const LABEL = 'train-lm';

export async function run(context: Context): Promise<void> {
  const { config: given, inputs, outputs, report, seed, signal } = context;
  const engine = await context.engine();
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const model = modelConfig(context, autoencoder);
  const source = await SequenceSource.open(context, engine, autoencoder);
  const evaluator = await heldOutEvaluator(context, engine, model, source);
  const { parameters, metrics, elapsedMs } = await train<Batch>({
    ...trainerOptions(given),
    stage: LABEL,
    engine,
    parameters: initParameters(calmTable(model), seed, model.initializerRange),
    tokensPerStep: tokensPerStep(given, model),
    checkpoints: new CheckpointStore(context.checkpoints),
    report,
    signal,
    loss: (current, { ids, mean, logStd, ...draws }) => ({ ...calmLoss(current, model, { ids, targets: { mean, logStd } }, draws) }),
    batch: (step, micro) => drawBatch(source, given, model, step * given.accumulationSteps + micro, seed),
    evaluate: evaluator && (async (current: TensorMap) => validationNames(await evaluator.measure(current))),
  });
  const frozen = await storeParameters(autoencoder.parameters, AUTOENCODER_PREFIX);
  await outputs.model.write({ config: model, ae_config: autoencoder.config }, [...(await storeParameters(parameters)), ...frozen], inputs.tokens.tokenizerFile);
  disposeTree({ parameters, autoencoder: autoencoder.parameters });
  source.close();
  report.summary({ ...metrics, steps: given.steps, tokensPerSecond: (1000 * given.steps * tokensPerStep(given, model)) / elapsedMs });
}

function tokensPerStep({ accumulationSteps, sequencesPerStep, patchesPerSequence }: Config, { patchSize }: CalmConfig): number {
  return accumulationSteps * sequencesPerStep * patchesPerSequence * patchSize;
}

function modelConfig({ config, inputs }: Context, { config: autoencoder }: Autoencoder): CalmConfig {
  const { vocabSize, padId, endOfTextId } = inputs.tokens.index;
  if (autoencoder.vocabSize !== vocabSize) throw modelMismatch('vocabSize of the autoencoder and the tokens', vocabSize, autoencoder.vocabSize);
  const { patchSize, latentSize } = autoencoder;
  const numKeyValueHeads = config.numKeyValueHeads ?? config.numAttentionHeads;
  return configure(CALM_DEFAULTS, config, { numKeyValueHeads, vocabSize, patchSize, latentSize, padTokenId: padId, eosTokenId: endOfTextId });
}

/** Sequences with their targets: read from latent shards, or encoded on the way. */
class SequenceSource {
  readonly #context: Context;
  readonly #encoder: CorpusEncoder | undefined;
  readonly #sequences: Record<Split, PatchSequences>;

  private constructor(context: Context, encoder: CorpusEncoder | undefined, patchSize: number) {
    this.#context = context;
    this.#encoder = encoder;
    const open = (split: Split) => new PatchSequences(context.inputs.tokens.split(split), patchSize, context.config.patchesPerSequence);
    this.#sequences = { train: open('train'), validation: open('validation') };
  }

  static async open(context: Context, engine: Engine, autoencoder: Autoencoder): Promise<SequenceSource> {
    const { latents, tokens } = context.inputs;
    const { patchSize, latentSize } = autoencoder.config;
    if (latents && latents.index.patchSize !== patchSize)
      throw modelMismatch('patchSize of the latents and the autoencoder', patchSize, latents.index.patchSize);
    if (latents && latents.index.latentSize !== latentSize)
      throw modelMismatch('latentSize of the latents and the autoencoder', latentSize, latents.index.latentSize);
    const source = new SequenceSource(context, latents ? undefined : await CorpusEncoder.create(engine, autoencoder), patchSize);
    const needed = context.config.patchesPerSequence * patchSize;
    if (source.count('train') === 0) throw notEnoughTokens('train', tokens.split('train').length, needed);
    return source;
  }

  count(split: Split): number {
    return this.#sequences[split].numSequences;
  }

  async read(split: Split, sequence: number): Promise<EnergySequence> {
    const sequences = this.#sequences[split];
    const ids = sequences.read(sequence);
    const { latents } = this.#context.inputs;
    const targets: Latents = latents
      ? sequences.readTargets(latents, split, sequence)
      : await (this.#encoder as CorpusEncoder).encode(ids.subarray(sequences.patchSize));
    return { ids, targets };
  }

  close(): void {
    this.#encoder?.dispose();
    this.#context.inputs.latents?.close();
  }
}

/** A batch and its draws, from (seed, number) alone. */
async function drawBatch(
  source: SequenceSource,
  { sequencesPerStep, patchesPerSequence, numTargetSamples }: Config,
  model: CalmConfig,
  number: number,
  seed: number,
): Promise<Batch> {
  const { patchSize, latentSize, numSamples, noiseSize } = model;
  const chosen = shuffledBatch(source.count('train'), sequencesPerStep, number, seed, LABEL);
  const width = (patchesPerSequence - 1) * patchSize;
  const positions = sequencesPerStep * (patchesPerSequence - 1);
  const [ids, mean, logStd] = [new Int32Array(sequencesPerStep * width), new Float32Array(positions * latentSize), new Float32Array(positions * latentSize)];
  for (const [row, sequence] of chosen.entries()) {
    const { ids: tokens, targets } = await source.read('train', sequence);
    ids.set(tokens.subarray(0, width), row * width);
    mean.set(targets.mean, row * targets.mean.length);
    logStd.set(targets.logStd, row * targets.logStd.length);
  }
  const stream = (purpose: string) => new RandomStream(seed, LABEL, purpose, number);
  return {
    ids: intTensor(ids, [sequencesPerStep, width]),
    mean: floatTensor(mean, [positions, latentSize]),
    logStd: floatTensor(logStd, [positions, latentSize]),
    noise: floatTensor(stream('noise').uniforms(numSamples * positions * noiseSize, -0.5), [numSamples, positions, noiseSize]),
    targetNoise: floatTensor(stream('targets').normals(positions * numTargetSamples * latentSize), [positions, numTargetSamples, latentSize]),
  };
}

async function heldOutEvaluator(
  { config, seed, report }: Context,
  engine: Engine,
  model: CalmConfig,
  source: SequenceSource,
): Promise<EnergyEvaluator | undefined> {
  const chosen = evenlySpread(source.count('validation'), config.evaluateSequences);
  if (chosen.length === 0) {
    report.warn('the validation split is shorter than one sequence; nothing is measured on held-out text');
    return undefined;
  }
  const sequences: EnergySequence[] = [];
  for (const sequence of chosen) sequences.push(await source.read('validation', sequence));
  return new EnergyEvaluator(engine, model, sequences, seed);
}

function validationNames({ loss, fidelity, diversity }: { loss: number; fidelity: number; diversity: number }) {
  return { validationLoss: loss, validationFidelity: fidelity, validationDiversity: diversity };
}
