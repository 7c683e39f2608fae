/** No file of a run stays open: over a whole pipeline, one that fails in the middle, and a sweep. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { stringify } from 'yaml';
import { calm as calmAlone } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

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
    const { code, stderr } = await calmAlone(['run', config], folder, { NODE_OPTIONS: LISTING });
    t.is(code, 0, stderr);
    t.regex(stderr, /open at the end: 0\n/);
  }
});

interface Shard {
  readonly file: string;
  readonly tokens: number;
}

/** Makes of each shard of a folder of tokens many. */
function splitShards(folder: string, count: number): void {
  const file = join(folder, 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8')) as { splits: Record<string, { shards: Shard[] }> };
  for (const [name, split] of Object.entries(index.splits)) {
    const [{ file: whole, tokens }] = split.shards;
    const bytes = readFileSync(join(folder, whole));
    const width = bytes.length / tokens;
    const each = Math.ceil(tokens / count);
    split.shards = Array.from({ length: Math.ceil(tokens / each) }, (_, i) => {
      const [start, end] = [i * each, Math.min(tokens, (i + 1) * each)];
      const shard = { file: `${name}-${String(i).padStart(5, '0')}.bin`, tokens: end - start };
      writeFileSync(join(folder, shard.file), bytes.subarray(start * width, end * width));
      return shard;
    });
  }
  writeFileSync(file, JSON.stringify(index));
}

onProc('a sweep of twenty cells over fifty shards', async (t) => {
  t.timeout(180_000);
  const folder = temporaryFolder(t);
  const made = await calm(['run', writeTinyProject(folder), '--until', 'tokenize'], folder);
  t.is(made.code, 0, made.stderr);
  const shards = join(folder, 'runs/tiny/tokenize/tokens');
  splitShards(shards, 50);
  t.true(readdirSync(shards).filter((name) => /^train-\d+\.bin$/.test(name)).length >= 48);
  const inputs = { tokens: './runs/tiny/tokenize/tokens' };
  const { 'train-autoencoder': autoencoder, 'encode-corpus': encode, 'train-lm': model } = TINY_STAGES;
  const stages = {
    'train-autoencoder': { ...autoencoder, ...short, inputs },
    'encode-corpus': { ...encode, inputs },
    'train-lm': { ...model, ...short, inputs },
  };
  const matrix = { 'train-lm.learningRate': Array.from({ length: 20 }, (_, i) => (i + 1) / 1000) };
  writeFileSync(join(folder, 'sweep.yaml'), stringify({ engine: 'onnx', matrix, stages }));
  const { code, stdout, stderr } = await calmAlone(['run', 'sweep.yaml', '--json'], folder, {
    NODE_OPTIONS: LISTING,
  });
  t.is(code, 0, stderr);
  t.is((JSON.parse(stdout) as { stages: object[] }).stages.length, 22);
  t.regex(stderr, /open at the end: 0\n/);
});

for (const stage of Object.keys(TINY_STAGES).slice(0, 4)) {
  onProc(`a disk that fails in the middle of ${stage}`, async (t) => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder, SHORT);
    const before = Object.keys(TINY_STAGES)[Object.keys(TINY_STAGES).indexOf(stage) - 1];
    if (before) t.is((await calm(['run', config, '--until', before], folder)).code, 0);
    const fault = { code: 'ENOSPC', on: 'write', within: `.work/${stage}/`, afterBytes: 3000 };
    const { code, stderr } = await calmAlone(['run', config, '--until', stage], folder, {
      NODE_OPTIONS: `${LISTING} ${preload('faulty-disk.js')}`,
      CALM_FAULT: JSON.stringify(fault),
    });
    t.is(code, 1, stderr);
    t.regex(stderr, /CALM_DISK_FULL/);
    t.regex(stderr, /open at the end: 0\n/);
  });
}
