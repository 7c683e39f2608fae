import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ROOT } from '../helpers/cli.ts';
import { MPI_ENVIRONMENT, mpiVersion, testWithMpi } from '../helpers/mpi.ts';

const SCRIPT = join(ROOT, 'test/helpers/rank-script.ts');

async function ranks(size: number, ...args: string[]) {
  const node = [process.execPath, '--conditions=calm-source', '--no-warnings', SCRIPT, ...args];
  const { NODE_OPTIONS: _, ...environment } = process.env;
  const options = { env: { ...environment, ...MPI_ENVIRONMENT } };
  const ended = await promisify(execFile)('mpirun', ['-n', String(size), ...node], options).catch(
    (error: { stdout: string }) => error,
  );
  return JSON.parse(ended.stdout);
}

test.before((t) => {
  t.log(mpiVersion ?? 'not tested: there is no mpirun (apt-get install openmpi-bin)');
});

testWithMpi('three ranks sum, tell and hear what one process would', async (t) => {
  const all = await ranks(3);
  t.is(all.length, 3);
  for (const [rank, said] of all.entries())
    t.deepEqual(said, {
      rank,
      isSame: true,
      numbers: [1, 1, 1],
      told: { step: 3, loss: null },
      isAnyLast: true,
      isNone: true,
    });
});

testWithMpi('a rank that fails is named by the first one', async (t) => {
  const { code, message } = await ranks(3, 'fail');
  t.is(code, 'CALM_LUCK');
  t.regex(message, /Rank 1 on .+ ended: out of luck/);
});
