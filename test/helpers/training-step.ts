/** A whole training step of a tiny language model, and batches for it. */

import {
  disposeTree,
  floatTensor,
  intTensor,
  type Tensor,
  type TensorMap,
  valueAndGradients,
} from 'calm-lm/engine';
import { CALM_DEFAULTS, calmLoss, calmTable, energyHead, initParameters } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import {
  ADAMW_DEFAULTS,
  adamW,
  applyGradients,
  firstState,
  type Learnt,
  type StepScalars,
  stepScalars,
} from 'calm-lm/training';

export const config = {
  ...CALM_DEFAULTS,
  vocabSize: 30,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  latentSize: 5,
  patchSize: 2,
  padTokenId: 29,
  head: { name: 'energy', noiseSize: 4, numMlpLayers: 1, numSamples: 3, numTargetSamples: 100, beta: 1 },
};
const RULE = { optimizer: adamW(ADAMW_DEFAULTS), maxGradNorm: 1 };
const [ROWS, PATCHES, TARGETS] = [2, 6, 4];

type Batch = {
  readonly ids: Tensor;
  readonly targets: { readonly mean: Tensor; readonly logStd: Tensor };
  readonly draws: TensorMap;
};
export type Inputs = { readonly learnt: Learnt; readonly scalars: StepScalars; readonly batch: Batch };

export const firstLearnt = (parameters: TensorMap): Learnt => ({
  parameters,
  state: firstState(RULE.optimizer, parameters),
});
export const scalarsAt = (learningRate: number, step: number): StepScalars =>
  stepScalars(RULE.optimizer, learningRate, step);

/** A whole training step of the language model. */
export function step({ learnt, scalars, batch }: Inputs): { learnt: Learnt; loss: Tensor } {
  const { outputs, gradients } = valueAndGradients(
    () => ({ loss: calmLoss(learnt.parameters, config, energyHead, batch, batch.draws).loss }),
    learnt.parameters,
  );
  const updated = applyGradients(RULE, learnt, gradients, outputs.loss, scalars);
  return { learnt: updated.learnt, loss: outputs.loss };
}

export function batchAt(number: number): Batch {
  const stream = new RandomStream(number, 'batch');
  const positions = ROWS * PATCHES;
  const normals = (...shape: number[]) => floatTensor(stream.normals(shape.reduce((a, b) => a * b)), shape);
  return {
    ids: intTensor(
      Int32Array.from({ length: positions * 2 }, () => stream.nextInteger(30)),
      [ROWS, PATCHES * 2],
    ),
    targets: { mean: normals(positions, 5), logStd: normals(positions, 5) },
    draws: {
      noise: floatTensor(stream.uniforms(3 * positions * 4, -0.5), [3, positions, 4]),
      targetNoise: normals(positions, TARGETS, 5),
    },
  };
}

export async function trained(
  run: (inputs: Inputs) => Promise<{ learnt: Learnt; loss: Tensor }>,
  steps: number,
): Promise<{ parameters: Record<string, Float32Array>; losses: number[] }> {
  const parameters = initParameters(calmTable(config, energyHead), 1, 0.1);
  let learnt = firstLearnt(parameters);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const inputs = { learnt, scalars: scalarsAt(1e-3, i + 1), batch: batchAt(i) };
    const outputs = await run(inputs);
    losses.push((await outputs.loss.data())[0]);
    disposeTree({ ...inputs, loss: outputs.loss });
    learnt = outputs.learnt;
  }
  const values: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(learnt.parameters))
    values[name] = (await tensor.data<'float32'>()).slice();
  disposeTree(learnt);
  return { parameters: values, losses };
}
