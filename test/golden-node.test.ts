import { join } from 'node:path';
import test from 'ava';
import { engineVersion, loadEngine } from 'calm-lm/engine';
import { ROOT } from './helpers/cli.ts';
import { runGoldens } from './helpers/golden/run.ts';

// Runs where `calm engine install cpu` was run.
(engineVersion('node') ? test : test.skip)(
  'values and gradients of the PyTorch reference, on TensorFlow',
  async (t) => {
    const reports = await runGoldens(join(ROOT, 'test/golden'), await loadEngine('node'));
    t.is(reports.length, 18);
    for (const { directory, kind, state, reason } of reports)
      t.is(state, 'passed', `${directory} (${kind}): ${reason}`);
  },
);
