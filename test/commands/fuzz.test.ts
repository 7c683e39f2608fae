import test from 'ava';
import { CommandLineFuzz } from '../helpers/fuzz/command-line.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test(
  'commands of any words in any environment end with a result or a clear error, and write ' + 'nowhere else',
  async (t) => {
    t.timeout(180_000);
    const fuzz = new CommandLineFuzz(temporaryFolder(t));
    t.teardown(() => fuzz.end());
    await fuzz.prepare();
    const results = new Set<string>();
    for (let number = 0; number < 150; number++) {
      const { result, problem } = await fuzz.run(7, number);
      results.add(result);
      t.not(result, 'defect', `case ${number}: ${problem}`);
    }
    t.true(results.size > 10);
  },
);
