/** Each held-out value has its direction from one place, and reports read what stages say of their values. */

import test from 'ava';
import { RECONSTRUCTION } from 'calm-lm/evaluation/measures';
import builtin from '#plugins';
import { calmLabels, TRANSFORMER_LABELS } from '../../plugins/train-lm/labels.ts';
import { directionsOf } from '../../plugins/training/labels.ts';
import { fakeRun } from '../helpers/report-run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('what can be the best of something is known with its direction', (t) => {
  t.deepEqual(directionsOf(calmLabels('energy')), { validationLoss: 'lower', validationFidelity: 'lower' });
  t.deepEqual(directionsOf(calmLabels('diffusion')), {
    validationLoss: 'lower',
    validationMse: 'lower',
    validationBound: 'lower',
  });
  t.deepEqual(directionsOf(calmLabels('flow')), { validationLoss: 'lower' });
  t.deepEqual(directionsOf(TRANSFORMER_LABELS), {
    validationLoss: 'lower',
    validationBrierLM: 'higher',
    validationBrier1: 'higher',
    validationBrier2: 'higher',
    validationBrier3: 'higher',
    validationBrier4: 'higher',
  });
  t.deepEqual(directionsOf(RECONSTRUCTION), {
    tokenAccuracy: 'higher',
    patchAccuracy: 'higher',
    sampledTokenAccuracy: 'higher',
  });
});

test('a value of one name is better in the same direction everywhere', (t) => {
  const directions = new Map<string, string>();
  for (const stage of builtin.stages)
    for (const { label, better } of Object.values(stage.labels?.() ?? {})) {
      if (better) t.is(directions.get(label) ?? better, better, label);
      if (better) directions.set(label, better);
    }
  t.is(directions.get('BrierLM'), 'higher');
});

test('results of earlier versions, without labels or with half of them, have those of today', async (t) => {
  const evaluate = { base: 'evaluate', metrics: { energy: { loss: 1 }, mine: 2 } };
  const half = { 'energy.loss': { label: 'energy', better: 'lower' }, mine: { label: 'my own' } };
  const run = await fakeRun(temporaryFolder(t), { evaluate: { ...evaluate, manifest: { labels: half } } });
  const labels = () => builtin.stages.find(({ name }) => name === 'evaluate')?.labels?.() ?? {};
  const found = run.withLabels(labels).stage('evaluate')?.manifest?.labels ?? {};
  t.like(found['energy.loss'], { label: 'energy', better: 'lower', isHeadline: true });
  t.is(found.mine.label, 'my own');
  t.is(found['brierlm.brierLM'].label, 'BrierLM');
});
