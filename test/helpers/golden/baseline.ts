/** Checks of the discrete baseline: logits, losses, gradients, BrierLM with exact collisions. */

import { type Engine, intTensor, type Tensor, tf } from 'calm-lm/engine';
import { estimateBrierExactly } from 'calm-lm/evaluation';
import { rotaryTable } from 'calm-lm/math';
import {
  runTransformer,
  type TransformerConfig,
  TransformerDecoder,
  tokenLogits,
  transformerLoss,
  transformerTable,
} from 'calm-lm/models';
import type { GoldenCase } from './case.ts';
import { compiledGradients, rowsOf } from './common.ts';

export async function checkBaseline(golden: GoldenCase, engine: Engine): Promise<void> {
  const config = golden.config<TransformerConfig>();
  const parameters = golden.parameters(transformerTable(config));
  const ids = golden.integers('in.input_ids');
  const { hidden } = runTransformer(parameters, config, ids);
  await golden.check('final_norm', hidden);
  await golden.check('logits', tokenLogits(parameters, hidden));
  const rotary = rotaryTable(
    tf.range(0, ids.shape[1] as number, 1, 'float32'),
    config.hiddenSize / config.numAttentionHeads,
    config.ropeTheta,
  );
  await golden.check('rope_cos', rotary.cos);
  await golden.check('rope_sin', rotary.sin);
  const inputs = { parameters, ...shifted(golden, 'in.input_ids') };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) => ({
    loss: transformerLoss(given.parameters, config, given.ids, given.targets, given.positions),
  }));
  await golden.check('loss', outputs.loss);
  await golden.check('eval_loss', outputs.loss);
  await golden.checkGradients(gradients);
  const masked = shifted(golden, 'in.labels_masked');
  await golden.check(
    'loss_masked',
    transformerLoss(parameters, config, masked.ids, masked.targets, masked.positions),
  );
  await checkBrier(golden, engine, config);
}

/** Every token but the last, the labels of the next ones, and the positions whose label counts (not −100). */
function shifted(golden: GoldenCase, labels: string): { ids: Tensor; targets: Tensor; positions: Tensor } {
  const { data, shape } = golden.input(labels);
  const [rows, length] = shape;
  const counted = Array.from({ length: rows * (length - 1) }, (_, i) => ({
    position: i,
    label: data[Math.floor(i / (length - 1)) * length + (i % (length - 1)) + 1],
  })).filter(({ label }) => label !== -100);
  return {
    ids: tf.slice(golden.integers('in.input_ids'), [0, 0], [rows, length - 1]),
    targets: intTensor(Int32Array.from(counted, ({ label }) => label)),
    positions: intTensor(Int32Array.from(counted, ({ position }) => position)),
  };
}

/**
 * The recorded tokens are taken instead of drawing: [windows, steps, rows, samples], −1 where the reference
 * had stopped.
 */
async function checkBrier(golden: GoldenCase, engine: Engine, config: TransformerConfig): Promise<void> {
  const decoder = new TransformerDecoder(engine, {
    config,
    parameters: golden.parameters(transformerTable(config)),
  });
  const { data, shape } = golden.input('rng.multinomial');
  const [, steps, rows, samples] = shape;
  const { brier, numWindows } = await estimateBrierExactly(
    decoder,
    rowsOf(golden, 'in.input_ids'),
    ({ row, window, sample, step }) => data[((window * steps + step) * rows + row) * samples + sample],
    { numSamples: samples },
  );
  golden.checkEqual('windows', [numWindows], [shape[0] * rows]);
  for (let n = 1; n <= brier.length; n++) await golden.check(`brier${n}`, Float32Array.of(brier[n - 1]));
}
