/** What the checks of several kinds of cases share. */

import {
  type Engine,
  intTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  type TensorTree,
  valueAndGradients,
} from 'calm-lm/engine';
import {
  type AnyHead,
  AUTOENCODER_PREFIX,
  autoencoderTable,
  calmTable,
  encode,
  energyHead,
  type LanguageModel,
  type PatchGaussians,
} from 'calm-lm/models';
import type { GoldenCase } from './case.ts';

/** Value and gradients as one compiled step: what the engine makes of a training step is what is checked. */
export async function compiledGradients<Inputs extends TensorTree & { parameters: TensorMap }>(
  engine: Engine,
  inputs: Inputs,
  loss: (given: Inputs) => LossOutputs,
) {
  const step = (given: Inputs) => valueAndGradients(() => loss(given), given.parameters);
  const run = engine.compile(step as (given: Inputs) => { outputs: TensorMap; gradients: TensorMap });
  return run(inputs);
}

/**
 * Context patches, the labelled target patches, and the positions that predict them (labels of −100 drop
 * out).
 */
export function shiftByPatch(
  golden: GoldenCase,
  patchSize: number,
): { context: Tensor; targets: Int32Array; positions: Int32Array } {
  const { data: ids, shape } = golden.input('in.input_ids');
  const labels = golden.input('in.labels').data;
  const [rows, width] = shape;
  const patches = width / patchSize - 1;
  const targets: number[] = [];
  const positions: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let patch = 0; patch < patches; patch++) {
      const label = labels.subarray(
        row * width + (patch + 1) * patchSize,
        row * width + (patch + 2) * patchSize,
      );
      if (label[0] === -100) continue;
      targets.push(...label);
      positions.push(row * patches + patch);
    }
  }
  const context = Int32Array.from(
    { length: rows * patches * patchSize },
    (_, i) => ids[Math.floor(i / (patches * patchSize)) * width + (i % (patches * patchSize))],
  );
  return {
    context: intTensor(context, [rows, patches * patchSize]),
    targets: Int32Array.from(targets),
    positions: Int32Array.from(positions),
  };
}

export function languageModelOf(golden: GoldenCase): LanguageModel {
  const [config, autoencoderConfig] = [golden.calmConfig(), golden.autoencoderConfig()];
  const autoencoder = {
    config: autoencoderConfig,
    parameters: golden.parameters(autoencoderTable(autoencoderConfig), AUTOENCODER_PREFIX),
  };
  return {
    config,
    head: energyHead,
    parameters: golden.parameters(calmTable(config, energyHead)),
    autoencoder,
  };
}

export function rowsOf(golden: GoldenCase, name: string): Int32Array[] {
  const { data, shape } = golden.input(name);
  return Array.from({ length: shape[0] }, (_, row) =>
    Int32Array.from(data.subarray(row * shape[1], (row + 1) * shape[1])),
  );
}

/**
 * What a training step of a whole language model needs: its weights, the batch with the frozen encoder's
 * Gaussians, which are checked.
 */
export async function trainingStepOf(golden: GoldenCase, head: AnyHead) {
  const config = golden.calmConfig();
  const autoencoderConfig = golden.autoencoderConfig();
  const parameters = golden.parameters(calmTable(config, head));
  const autoencoder = golden.parameters(autoencoderTable(autoencoderConfig), AUTOENCODER_PREFIX);
  const { context, targets, positions } = shiftByPatch(golden, config.patchSize);
  const gaussians: PatchGaussians = encode(autoencoder, autoencoderConfig, intTensor(targets));
  await golden.check('ae_mean', gaussians.mean);
  await golden.check('ae_log_std', gaussians.logStd);
  return {
    config,
    parameters,
    batch: { ids: context, targets: { ...gaussians }, positions: intTensor(positions) },
  };
}
