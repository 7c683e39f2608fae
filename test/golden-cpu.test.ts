import { join } from 'node:path';
import test from 'ava';
import { loadEngine } from 'calm-lm/engine';
import { ROOT } from './helpers/cli.ts';
import { runGoldens } from './helpers/golden/run.ts';

test('values and gradients of the PyTorch reference, on cpu', async (t) => {
  const reports = await runGoldens(join(ROOT, 'test/golden'), await loadEngine('cpu'));
  t.is(reports.length, 18);
  for (const { directory, kind, state, reason } of reports)
    t.is(state, 'passed', `${directory} (${kind}): ${reason}`);
});
