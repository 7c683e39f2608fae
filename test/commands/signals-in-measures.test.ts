/**
 * A signal ends a stage in the middle of what it measures: no result of it is kept, and it is not finished
 * first.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { calm } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const PRELOAD = pathToFileURL(join(import.meta.dirname, '../helpers/signals-itself.js')).href;

const short = { steps: 4, warmupSteps: 1, evaluateEvery: 4 };
/** A measure that is asked for alone, and what is on stderr when the signal is sent. */
const MOMENTS = [
  ['reconstruction', 'measuring the reconstruction'],
  ['energy', 'measuring the energy loss'],
  ['temperature', 'measuring temperature 0.333'],
] as const;

test('a signal in the middle of a measure ends the stage there', async (t) => {
  t.timeout(240_000);
  const folder = temporaryFolder(t);
  const config = writeTinyProject(
    folder,
    { 'train-autoencoder': short, 'train-lm': short },
    { engine: 'onnx' },
  );
  t.is((await calm(['run', config, '--until', 'train-lm'], folder)).code, 0);
  for (const [measure, moment] of MOMENTS) {
    const args = ['run', config, '--only', 'evaluate', '--set', `evaluate.measures=[${measure}]`];
    const { code, stderr } = await calm(args, folder, {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      CALM_SIGNAL_AT: moment,
    });
    t.true(code !== null && code > 128, `${measure}: exit code ${code}\n${stderr}`);
    t.true(stderr.includes(moment), measure);
    t.false(stderr.includes('✔ evaluate in'), `${measure}\n${stderr}`);
    t.false(existsSync(join(folder, 'runs/tiny/evaluate')), measure);
  }
});
