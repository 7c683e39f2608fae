import test from 'ava';
import { runCase } from './helpers/fuzz/cases.ts';
import { temporaryFolder } from './helpers/temporary.ts';

// npm run fuzz runs ten thousand and watches memory and time.
test('a few hundred mutated inputs of every kind are read, or refused by a clear error', async (t) => {
  t.timeout(120_000);
  const folder = temporaryFolder(t);
  const results = new Set<string>();
  for (let number = 0; number < 510; number++) {
    const { target, result, problem } = await runCase(folder, 7, number);
    results.add(result);
    t.not(result, 'defect', `case ${number}, ${target}: ${problem}`);
  }
  t.true(results.size > 5);
});
