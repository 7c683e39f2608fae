import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { calm, EXECUTABLE, ROOT } from '../helpers/cli.ts';
import { mpiVersion } from '../helpers/mpi.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const nodes = spawnSync('sinfo', ['--noheader', '--states=idle', '--format=%D'], { encoding: 'utf8' });
const isThere = nodes.status === 0 && Number(nodes.stdout) >= 2 && mpiVersion !== undefined;
const testWithSlurm = isThere ? test : test.skip;

test.before((t) => {
  t.log(isThere ? 'two idle nodes of Slurm' : 'not tested: there are no two idle nodes of Slurm with MPI');
});

const CHANGES = { 'train-autoencoder': { accumulationSteps: 2, steps: 200 } };
const UNTIL = ['--until', 'train-autoencoder'];

const run = async (command: string, ...args: string[]) => (await promisify(execFile)(command, args)).stdout;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(200);
}

testWithSlurm('a job of two nodes that is queued again ends with the files of one process', async (t) => {
  const [whole, folder] = [temporaryFolder(t), temporaryFolder(t)];
  const environment = { CALM_THREADS: '1' };
  const alone = await calm(['run', writeTinyProject(whole, CHANGES), ...UNTIL], whole, environment);
  t.is(alone.code, 0, alone.stderr);

  const log = join(folder, 'job.log');
  const calmHere = `--export=ALL,CALM_THREADS=1,CALM=${process.execPath} ${EXECUTABLE}`;
  const job = ['--parsable', `--chdir=${folder}`, `--output=${log}`, calmHere];
  const script = [join(ROOT, 'configs/slurm/train.sbatch'), writeTinyProject(folder, CHANGES), ...UNTIL];
  const id = (await run('sbatch', ...job, ...script)).trim();
  const metrics = join(folder, 'runs/tiny/.work/train-autoencoder/metrics.jsonl');
  await until(() => existsSync(metrics) && readFileSync(metrics, 'utf8').split('\n').length > 3);
  await run('scontrol', 'requeue', id);
  const stateOf = async () => / JobState=(\w+)/.exec(` ${await run('scontrol', 'show', 'job', id)}`)?.[1];
  await until(async () => (await stateOf()) === 'PENDING');
  await run('scontrol', 'update', `jobid=${id}`, 'StartTime=now');
  await until(async () => !['PENDING', 'RUNNING', 'COMPLETING'].includes((await stateOf()) ?? ''));
  t.is(await stateOf(), 'COMPLETED', readFileSync(log, 'utf8'));
  t.regex(readFileSync(log, 'utf8'), /resuming from the checkpoint/);
  const files = (place: string) =>
    [...contentsOf(join(place, 'runs/tiny'))].filter(([file]) => !file.startsWith('.ranks'));
  t.deepEqual(files(folder).sort(), files(whole).sort());
});
