import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type CliResult, calm, RunningCli } from '../helpers/cli.ts';
import { MPI_ENVIRONMENT, mpiVersion, testWithMpi } from '../helpers/mpi.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const ENVIRONMENT = { ...MPI_ENVIRONMENT, CALM_THREADS: '1' };
const UNTIL = ['--until', 'train-lm'];
const SHARED = { accumulationSteps: 4 };
const CHANGES = {
  'train-autoencoder': { ...SHARED, steps: 40 },
  'train-lm': { ...SHARED, steps: 40 },
};

test.before((t) => {
  t.log(mpiVersion ?? 'not tested: there is no mpirun (apt-get install openmpi-bin)');
});

/** Everything in a run's folder but the logs of ranks. */
const resultsOf = (folder: string) =>
  [...contentsOf(join(folder, 'runs/tiny'))].filter(([file]) => !file.startsWith('.ranks')).sort();

const undisturbed = async (folder: string, config: string) => {
  const { code, stderr } = await calm(['run', config, ...UNTIL], folder, ENVIRONMENT);
  if (code !== 0) throw new Error(stderr);
  return resultsOf(folder);
};

/** Runs with so many ranks, and ends it by a signal once a stage has written some lines. */
function disturbed(
  [folder, config]: [string, string],
  ranks: number,
  stage: string,
  signal: (running: RunningCli) => void,
): Promise<CliResult> {
  const running = new RunningCli(['run', config, ...UNTIL, '--ranks', String(ranks)], folder, ENVIRONMENT);
  const metrics = join(folder, 'runs/tiny/.work', stage, 'metrics.jsonl');
  const watching = setInterval(() => {
    if (linesOf(metrics) < 3) return;
    clearInterval(watching);
    signal(running);
  }, 5);
  return running.result.finally(() => clearInterval(watching));
}

function linesOf(file: string): number {
  try {
    return readFileSync(file, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** The processes below one. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}

function rankOf(pid: number): string | undefined {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  return /OMPI_COMM_WORLD_RANK=(\d+)/.exec(environment)?.[1];
}

testWithMpi('two ranks, stopped, then killed, and one process end with the same files', async (t) => {
  const [whole, folder] = [temporaryFolder(t), temporaryFolder(t)];
  const config = writeTinyProject(folder, CHANGES);
  const expected = await undisturbed(whole, writeTinyProject(whole, CHANGES));
  const stopped = await disturbed([folder, config], 2, 'train-autoencoder', ({ process }) =>
    process.kill('SIGINT'),
  );
  t.is(stopped.code, 130, stopped.stderr);
  t.regex(stopped.stderr, /CALM_INTERRUPTED/);
  const killed = await disturbed([folder, config], 2, 'train-lm', ({ process: { pid = 0 } }) => {
    const other = descendants(pid).find((each) => rankOf(each) === '1');
    process.kill(other as number, 'SIGKILL');
  });
  t.is(killed.code, 1, killed.stderr);
  t.is(killed.stderr.match(/✖ CALM/g)?.length, 1, killed.stderr);
  t.regex(killed.stderr, /CALM_RANK_DIED[\s\S]*Rank 1 on .+ SIGKILL/);
  const { code, stderr } = await calm(['run', config, ...UNTIL], folder, ENVIRONMENT);
  t.is(code, 0, stderr);
  t.deepEqual(resultsOf(folder), expected);
});

test('a number of ranks that is none is refused', async (t) => {
  const folder = temporaryFolder(t);
  const { code, stderr } = await calm(['run', writeTinyProject(folder, {}), '--ranks', '0'], folder);
  t.is(code, 1);
  t.regex(stderr, /CALM_RANKS/);
});
