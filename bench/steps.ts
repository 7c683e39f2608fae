/** Training steps at the size of configs/quickstart.yaml, as functions of tensors that any engine can run. */

import { floatTensor, intTensor, type Tensor, type TensorMap, type TensorTree, valueAndGradients } from 'calm-lm/engine';
import { type AutoencoderDraws, autoencoderLoss, autoencoderTable, calmLoss, calmTable, initParameters, isDecayed, type ParameterTable } from 'calm-lm/models';
import { AUTOENCODER_DEFAULTS, CALM_DEFAULTS } from 'calm-lm/models/config';
import { RandomStream } from 'calm-lm/random';
import { adamW, clipByNorm, flatten, type Moments, OPTIMIZER_DEFAULTS, type StepScalars, zeroMoments } from 'calm-lm/training';

export type Learnt = { readonly parameters: TensorMap; readonly moments: Moments };
export type StepInputs = { readonly learnt: Learnt; readonly scalars: StepScalars; readonly batch: TensorTree };
export type StepOutputs = { readonly learnt: Learnt; readonly loss: Tensor };

export interface BenchStep {
  readonly tokens: number;
  readonly learnt: Learnt;
  readonly batch: TensorTree;
  run(inputs: StepInputs): StepOutputs;
}

const [V, K, L] = [258, 2, 16];
const stream = (purpose: string) => new RandomStream(1, 'bench', purpose);
const ids = (count: number) => {
  const draws = stream('ids');
  return Int32Array.from({ length: count }, () => draws.nextInteger(256));
};
const normals = (purpose: string, ...shape: number[]) => floatTensor(stream(purpose).normals(shape.reduce((a, b) => a * b)), shape);

/** The robust autoencoder: 1024 patches of 2 bytes. */
export function autoencoderStep(): BenchStep {
  const config = { ...AUTOENCODER_DEFAULTS, vocabSize: V, patchSize: K, latentSize: L, hiddenSize: 96, intermediateSize: 256 };
  const patches = 1024;
  const mask = intTensor(new Int32Array(patches * K).fill(1));
  const latentMask = floatTensor(new Float32Array(patches * L).fill(1), [patches, L]);
  const batch = { ids: intTensor(ids(patches * K)), tokenMask: mask, noise: normals('noise', patches, L), latentMask };
  const loss = (parameters: TensorMap, given: typeof batch) => autoencoderLoss(parameters, config, given.ids, given as AutoencoderDraws).loss;
  return trainingStep(autoencoderTable(config), 0.05, patches * K, batch, loss);
}

/** The language model with the energy head: 4 sequences of 64 patches, N = 8, M = 16. */
export function languageModelStep(): BenchStep {
  const size = {
    vocabSize: V,
    patchSize: K,
    latentSize: L,
    hiddenSize: 128,
    intermediateSize: 344,
    numHiddenLayers: 3,
    numAttentionHeads: 4,
    numKeyValueHeads: 4,
  };
  const config = { ...CALM_DEFAULTS, ...size, noiseSize: 32, numMlpLayers: 2 };
  const [rows, patches, n, m] = [4, 64, 8, 16];
  const positions = rows * (patches - 1);
  const noise = floatTensor(stream('uniforms').uniforms(n * positions * 32, -0.5), [n, positions, 32]);
  const targets = { mean: normals('mean', positions, L), logStd: normals('logStd', positions, L) };
  const batch = { ids: intTensor(ids(positions * K), [rows, (patches - 1) * K]), targets, noise, targetNoise: normals('targets', positions, m, L) };
  const loss = (parameters: TensorMap, given: typeof batch) => calmLoss(parameters, config, given, given).loss;
  return trainingStep(calmTable(config), 0.1, rows * patches * K, batch, loss);
}

/** Loss, gradients, clipping and AdamW. */
function trainingStep<Batch extends TensorTree>(
  table: ParameterTable,
  range: number,
  tokens: number,
  batch: Batch,
  loss: (parameters: TensorMap, batch: Batch) => Tensor,
): BenchStep {
  const parameters = initParameters(table, 1, range);
  const run = ({ learnt, scalars, batch: given }: StepInputs): StepOutputs => {
    const { outputs, gradients } = valueAndGradients(() => ({ loss: loss(learnt.parameters, given as Batch) }), learnt.parameters);
    const clipped = clipByNorm(flatten(gradients), OPTIMIZER_DEFAULTS.maxGradNorm);
    const updated = adamW(learnt.parameters, learnt.moments, clipped.gradient, scalars, OPTIMIZER_DEFAULTS, (name) => isDecayed(table[name].shape));
    return { learnt: updated, loss: outputs.loss };
  };
  return { tokens, learnt: { parameters, moments: zeroMoments(parameters) }, batch, run };
}
