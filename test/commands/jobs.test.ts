import { join } from 'node:path';
import test from 'ava';
import { calm } from '../helpers/cli.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const ENVIRONMENT = { CALM_THREADS: '1' };
const UNTIL = ['--until', 'train-autoencoder'];

test('two variants of a sweep at once end with the files that they have one after the other', async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  const matrix = { matrix: { 'train-autoencoder.learningRate': [0.005, 0.01] } };
  const alone = await calm(['run', writeTinyProject(one, {}, matrix), ...UNTIL], one, ENVIRONMENT);
  t.is(alone.code, 0, alone.stderr);
  const config = writeTinyProject(two, {}, matrix);
  const atOnce = await calm(['run', config, ...UNTIL, '--jobs', '2', '--json'], two, ENVIRONMENT);
  t.is(atOnce.code, 0, atOnce.stderr);
  const { stages } = JSON.parse(atOnce.stdout) as { stages: { name: string; state: string }[] };
  t.is(stages.filter(({ state }) => state === 'done').length, 3);
  t.deepEqual(contentsOf(join(two, 'runs/tiny')), contentsOf(join(one, 'runs/tiny')));
});

test('what ends a job ends the run, in its words', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-autoencoder': { learningRate: 1e30, steps: 12 } });
  const { code, stderr } = await calm(['run', config, ...UNTIL, '--jobs', '2'], folder, ENVIRONMENT);
  t.is(code, 1);
  t.regex(stderr, /✖ CALM_BAD_STEP/);
  t.is(stderr.match(/✖ CALM/g)?.length, 1, stderr);
});
