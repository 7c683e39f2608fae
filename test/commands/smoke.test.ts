import { join } from 'node:path';
import test from 'ava';
import { calm, ROOT } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('the smoke configuration runs whole', async (t) => {
  const folder = temporaryFolder(t);
  const run = await calm(['run', join(ROOT, 'configs/smoke.yaml'), '--json'], folder);
  t.is(run.code, 0, run.stderr);
  const { stages } = JSON.parse(run.stdout) as {
    stages: { name: string; metrics: Record<string, number> }[];
  };
  const metrics = Object.fromEntries(stages.map(({ name, metrics: found }) => [name, found]));
  t.true(
    metrics['train-autoencoder'].tokenAccuracy > 0.8,
    `accuracy ${metrics['train-autoencoder'].tokenAccuracy}`,
  );
  t.true(metrics['train-lm'].validationLoss < 6, `loss ${metrics['train-lm'].validationLoss}`);
});
