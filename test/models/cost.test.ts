import { join } from 'node:path';
import test from 'ava';
import plugin from '#plugins';
import { checkConfig, costsOf, Registry, readConfig, totalCost } from '../../src/pipeline/index.ts';
import { ROOT } from '../helpers/cli.ts';

// The paper's Table 1: parameters (without the autoencoder), training FLOPs, inference FLOPs a token. It has
// no CALM-S and no Transformer-XL.
const PUBLISHED = [
  { size: 'S', stage: 'train-baseline', parameters: 281e6, training: 6.6e20, inference: 4.4e8 },
  { size: 'M', stage: 'train-baseline', parameters: 465e6, training: 11.9e20, inference: 7.9e8 },
  { size: 'L', stage: 'train-baseline', parameters: 849e6, training: 22.5e20, inference: 15.0e8 },
  { size: 'M', stage: 'train-lm', parameters: 371e6, training: 3.7e20, inference: 2.9e8 },
  { size: 'L', stage: 'train-lm', parameters: 735e6, training: 7.7e20, inference: 4.6e8 },
  { size: 'XL', stage: 'train-lm', parameters: 1.82e9, training: 19.5e20, inference: 9.4e8 },
];

test('the sizes of Table 1: parameters within 1 %, FLOPs within 10 % of the paper’s', async (t) => {
  const registry = new Registry();
  registry.addPlugin(plugin);
  const costs = await costsOf(
    checkConfig(await readConfig(join(ROOT, 'configs/paper/table-1.yaml'), ROOT)),
    registry,
  );
  for (const { size, stage, parameters, training, inference } of PUBLISHED) {
    const cost = costs.find((candidate) => candidate.labels.size === size && candidate.stage === stage);
    const parts = cost?.parts ?? [];
    const total = totalCost(parts);
    const own = totalCost(parts.filter(({ isFrozen }) => !isFrozen)).parameters;
    const near = (found: number, published: number, share: number) =>
      t.true(Math.abs(found / published - 1) <= share, `${stage} ${size}: ${found}, ${published}`);
    near(own, parameters, 0.01);
    near(total.trainingFlops * (cost?.trainingTokens ?? 0), training, 0.1);
    near(total.inferenceFlops, inference, 0.1);
  }
});
