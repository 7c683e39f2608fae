/** No file of a run stays open: over a whole pipeline, one that fails in the middle, and a sweep. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { calm } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const preload = (name: string) =>
  `--import ${pathToFileURL(join(import.meta.dirname, '../helpers', name)).href}`;
const LISTING = preload('says-open-files.js');

const short = { steps: 4, warmupSteps: 1, evaluateEvery: 4 };
const SHORT = { 'train-autoencoder': short, 'train-lm': short };

const onProc = existsSync('/proc/self/fd') ? test : test.skip;

onProc('a whole pipeline, and a sweep of it', async (t) => {
  const folder = temporaryFolder(t);
  for (const top of [{}, { name: 'sweep', matrix: { seed: [4, 5] } }]) {
    const config = writeTinyProject(folder, SHORT, top);
    const { code, stderr } = await calm(['run', config], folder, { NODE_OPTIONS: LISTING });
    t.is(code, 0, stderr);
    t.regex(stderr, /open at the end: 0\n/);
  }
});

for (const stage of Object.keys(TINY_STAGES).slice(0, 4)) {
  onProc(`a disk that fails in the middle of ${stage}`, async (t) => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder, SHORT);
    const before = Object.keys(TINY_STAGES)[Object.keys(TINY_STAGES).indexOf(stage) - 1];
    if (before) t.is((await calm(['run', config, '--until', before], folder)).code, 0);
    const fault = { code: 'ENOSPC', on: 'write', within: `.work/${stage}/`, afterBytes: 3000 };
    const { code, stderr } = await calm(['run', config, '--until', stage], folder, {
      NODE_OPTIONS: `${LISTING} ${preload('faulty-disk.js')}`,
      CALM_FAULT: JSON.stringify(fault),
    });
    t.is(code, 1, stderr);
    t.regex(stderr, /CALM_DISK_FULL/);
    t.regex(stderr, /open at the end: 0\n/);
  });
}
