import { autoencoderFolder, CheckpointStore, type tokenShards } from 'calm-lm/artifacts';
import { DocumentPatches, shuffledBatch } from 'calm-lm/data';
import {
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  type Tensor,
  type TensorMap,
} from 'calm-lm/engine';
import { notEnoughTokens } from 'calm-lm/errors';
import { heldOutPatches, measureReconstruction, warnOfReconstruction } from 'calm-lm/evaluation';
import { RECONSTRUCTION } from 'calm-lm/evaluation/measures';
import {
  type AutoencoderConfig,
  type AutoencoderDraws,
  autoencoderLoss,
  autoencoderTable,
  initParameters,
  startAutoencoder,
  storeParameters,
} from 'calm-lm/models';
import { autoencoderSchema } from 'calm-lm/models/config';
import type { StageContext } from 'calm-lm/plugin';
import { RandomStream } from 'calm-lm/random';
import { type TrainingResult, train } from 'calm-lm/training';
import type { z } from 'zod';
import { directionsOf } from '../training/labels.ts';
import { beginTraining } from '../training/start.ts';
import { trainerOptions, trainingSummary } from '../training/trainer.ts';
import type { config } from './config.ts';

type Config = z.infer<typeof config>;
type Context = StageContext<
  Config,
  { tokens: typeof tokenShards },
  { autoencoder: typeof autoencoderFolder }
>;
type Batch = {
  readonly ids: Tensor;
  readonly tokenMask: Tensor;
  readonly noise: Tensor;
  readonly latentMask: Tensor;
};

const LABEL = 'train-autoencoder';

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, seed, signal } = context;
  const engine = await context.engine();
  const model = modelConfig(context);
  const patches = openPatches(context, 'train');
  const evaluate = await evaluator(context, engine, model);
  const { tokenizerFile } = inputs.tokens;
  const { optimizer, ...parts } = await beginTraining(
    context,
    autoencoderFolder,
    initParameters(autoencoderTable(model), seed, model.initializerRange),
    (folder, drawn) => startAutoencoder(folder, model, drawn),
  );
  await outputs.autoencoder.writeUntrained(
    context.checkpoints,
    { config: model },
    await storeParameters(parts.frozen),
    tokenizerFile,
  );
  report.logTo(context.config.logTo);
  const { parameters, ...result } = await train<Batch>({
    ...trainerOptions(context.config, optimizer),
    stage: LABEL,
    engine,
    parameters: parts.learnt,
    frozen: parts.frozen,
    tokensPerStep: tokensPerStep(context.config),
    checkpoints: new CheckpointStore(
      context.checkpoints,
      context.config.keepCheckpoints,
      context.config.checkpointEvery,
    ),
    report,
    signal,
    cluster: context.cluster,
    loss: (current, { ids, ...draws }) =>
      logged(autoencoderLoss(current, model, ids, draws as AutoencoderDraws)),
    batch: (number) => drawBatch(patches, context.config, number, seed),
    describeBatch: (number) => {
      const chosen = chosenPatches(patches, context.config, number, seed);
      return { patches: chosen, documents: [...new Set(patches.documentsOf(chosen))] };
    },
    evaluate: evaluate && ((current, pause) => evaluate(parts.whole(current), pause)),
    directions: directionsOf(RECONSTRUCTION),
  });
  await outputs.autoencoder.write(
    { config: model },
    await storeParameters(parts.whole(parameters)),
    tokenizerFile,
  );
  disposeTree({ parameters, frozen: parts.frozen });
  warnOfReconstruction(report, accuracyOf(result, context.config));
  report.summary(trainingSummary(result, context.config.steps, tokensPerStep(context.config)));
}

function tokensPerStep({ accumulationSteps, patchesPerStep, patchSize }: Config): number {
  return accumulationSteps * patchesPerStep * patchSize;
}

function modelConfig({ config, inputs }: Context): AutoencoderConfig {
  const { vocabSize, padId, endOfTextId } = inputs.tokens.index;
  return autoencoderSchema.parse({ ...config, vocabSize, padTokenId: padId, eosTokenId: endOfTextId });
}

function openPatches({ config, inputs }: Context, split: 'train' | 'validation'): DocumentPatches {
  const stream = inputs.tokens.split(split);
  if (split === 'train' && stream.length === 0) throw notEnoughTokens(split, 0, config.patchSize);
  return new DocumentPatches(stream, config.patchSize, inputs.tokens.index.padId);
}

function chosenPatches(
  patches: DocumentPatches,
  { patchesPerStep }: Config,
  number: number,
  seed: number,
): number[] {
  return shuffledBatch(patches.numPatches, patchesPerStep, number, seed, LABEL);
}

/** A batch and its draws, from (seed, number) alone. */
function drawBatch(patches: DocumentPatches, config: Config, number: number, seed: number): Batch {
  const { patchesPerStep, patchSize, latentSize, aeDropout, latentDropout = aeDropout } = config;
  const ids = patches.readMany(chosenPatches(patches, config, number, seed));
  const keep = (purpose: string, size: number, rate: number) =>
    new RandomStream(seed, LABEL, purpose, number).uniforms(size).map((u) => Number(u > rate));
  const latentShape = [patchesPerStep, latentSize];
  return {
    ids: intTensor(ids),
    tokenMask: intTensor(Int32Array.from(keep('token mask', patchesPerStep * patchSize, aeDropout))),
    noise: floatTensor(
      new RandomStream(seed, LABEL, 'noise', number).normals(patchesPerStep * latentSize),
      latentShape,
    ),
    latentMask: floatTensor(keep('latent mask', patchesPerStep * latentSize, latentDropout), latentShape),
  };
}

function logged({ loss, crossEntropy, kl }: ReturnType<typeof autoencoderLoss>) {
  return { loss, crossEntropy, kl };
}

/**
 * The held-out accuracy of the weights that are the result; undefined where another step's was measured last.
 */
function accuracyOf(
  { metrics, best }: Pick<TrainingResult, 'metrics' | 'best'>,
  { bestMetric, steps }: Config,
): number | undefined {
  if (best && bestMetric === 'tokenAccuracy') return best.value;
  return best && best.step !== steps ? undefined : metrics.tokenAccuracy;
}

/** Measures the reconstruction of held-out patches; undefined where there are none. */
async function evaluator(context: Context, engine: Engine, model: AutoencoderConfig) {
  const { config, report, seed } = context;
  const patches = openPatches(context, 'validation');
  if (patches.numPatches === 0) {
    report.warn('the validation split has no document; nothing is measured on held-out text');
    return undefined;
  }
  const wanted = { key: 'evaluatePatches', count: config.evaluatePatches };
  const ids = await heldOutPatches(patches, wanted, context);
  return async (parameters: TensorMap, pause: () => Promise<void>) => {
    const options = { noiseLevels: [], pause };
    const { tokenAccuracy, patchAccuracy, sampledTokenAccuracy, meanStd } = await measureReconstruction(
      engine,
      { config: model, parameters },
      ids,
      seed,
      options,
    );
    return { tokenAccuracy, patchAccuracy, sampledTokenAccuracy, meanStd };
  };
}
