/** What a run says at its end, and what it does not say. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import stringWidth from 'string-width';
import { stringify } from 'yaml';
import { calm as calmAlone, ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { PATH_WITH_CALM } from '../helpers/path-with-calm.ts';
import { folderMadeOnce } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test, { env: { ...process.env, PATH: PATH_WITH_CALM } });
const short = { steps: 4, warmupSteps: 1, evaluateEvery: 4 };
const SHORT = { 'train-autoencoder': short, 'train-lm': short };
const finished = folderMadeOnce(test, async (folder) => {
  writeTinyProject(folder, SHORT, { engine: 'onnx' });
  return calm(['run', 'tiny.yaml', '--quiet'], folder);
});

test('a run that does nothing says so, and gives the same answer; nothing else is said', async (t) => {
  const folder = await finished(t);
  const { code, stdout, stderr } = await calm(['run', 'tiny.yaml'], folder);
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.regex(stdout, /^✔ runs\/tiny: up to date, nothing to do; language model of [\d.]+k parameters\n/);
  t.regex(stdout, /BrierLM ↑ .*unigram .*untrained/);
  t.notRegex(stdout, /tokens\/s|brierlm\.|gradNorm/);
  t.true(stdout.split('\n').length <= 16, stdout);
});

test('--quiet leaves the folder, --verbose adds every number, --json stays one document', async (t) => {
  const folder = await finished(t);
  const changed = ['--set', 'sample.maxTokens=5'];
  const quiet = await calm(['run', 'tiny.yaml', '--quiet', ...changed], folder);
  t.deepEqual([quiet.stdout, quiet.stderr], ['runs/tiny\n', '']);
  const verbose = await calm(['run', 'tiny.yaml', '--verbose', '--only', 'sample', '--force'], folder);
  t.regex(verbose.stderr, /▶ sample \(.*forced/);
  t.regex(verbose.stdout, /^✔ runs\/tiny[\s\S]*Next: [\s\S]*sample +done[\s\S]*sample +draws +\d+/);
  const json = await calm(['run', 'tiny.yaml', '--json'], folder);
  const { stages } = JSON.parse(json.stdout) as { stages: Record<string, unknown>[] };
  t.deepEqual(Object.keys(stages[0]), ['name', 'state', 'seconds', 'metrics']);
  const both = await calm(['run', 'tiny.yaml', '--quiet', '--verbose'], folder);
  t.is(both.code, 2);
});

test('where some stages run, the others are named in one line, and why is said', async (t) => {
  const folder = await finished(t);
  const { stdout, stderr } = await calm(['run', 'tiny.yaml', '--set', 'evaluate.numSequences=2'], folder);
  t.regex(stderr, /✔ up to date: tokenize, train-autoencoder, encode-corpus, train-lm\n/);
  t.regex(stderr, /▶ evaluate \(numSequences 4 → 2\)\n/);
  t.regex(stderr, / {2}evaluate: scoring BrierLM\n/);
  t.regex(stderr, /✔ evaluate in \d/);
  t.regex(stdout, /^✔ runs\/tiny: 1 of 6 stages in /);
});

test('a stage’s own command ends likewise, with what that stage names', async (t) => {
  const folder = await finished(t);
  const { stdout } = await calm(['tokenize', 'tiny.yaml', '--force'], folder);
  t.regex(stdout, /^✔ runs\/tiny: one stage in .*; token shards\n/);
  t.regex(stdout, /\n {2}documents +10\n[\s\S]*\n {2}vocabulary +258\n/);
});

test('a sweep ends in one table of what differs', async (t) => {
  const folder = await finished(t);
  const stages = { ...TINY_STAGES, 'train-autoencoder': { ...TINY_STAGES['train-autoencoder'], ...short } };
  const matrix = { 'train-lm.hiddenSize': [8, 16], seed: [3] };
  const lm = { ...TINY_STAGES['train-lm'], ...short };
  const sweep = { name: 'sweep', engine: 'onnx', matrix, stages: { ...stages, 'train-lm': lm } };
  writeFileSync(join(folder, 'sweep.yaml'), stringify(sweep));
  const { code, stdout, stderr } = await calm(['run', 'sweep.yaml'], folder);
  t.is(code, 0, stderr);
  t.regex(stdout, /^✔ runs\/sweep: 2 runs, \d+ of \d+ stages in /);
  t.regex(stdout, /\nhiddenSize .*energy loss ↓.*\n─.*\n8 .*\n16 .*\n\n/);
  t.regex(stdout, /best energy loss: \S+ with hiddenSize (8|16)\n/);
  t.regex(stdout, /the same in all: reconstruction accuracy \d/);
  t.notRegex(stdout, /seed/);
  const ls = await calm(['ls'], folder);
  t.regex(ls.stdout, /runs\/sweep +done .*reconstruction accuracy \d+\.\d\d %.*energy loss \S+ … \S+/);
});

test('an evaluation shows what has a name; of temperatures a table each', async (t) => {
  const folder = await finished(t);
  const ask = ['eval', 'temperature', 'runs/tiny', '--temperatures', '1,0.5', '--num-candidates', '4,8'];
  const { stdout } = await calm(ask, folder);
  const rows = /temperature +N = 1 +N = 4 +N = 8\n─.*\n1 +\S+ % +– +–\n0\.5 +– +\S+ % +\S+ %\n/;
  t.regex(stdout, new RegExp(`accuracy\\n${rows.source}\\ncollisions\\n${rows.source}`));
  const brier = await calm(['eval', 'brierlm', 'runs/tiny'], folder);
  t.regex(brier.stdout, / {2}BrierLM ↑ .*\n {2}Brier-1 … 4 ↑ +\S+ +\S+ +\S+ +\S+\n$/);
  t.notRegex(brier.stdout, /numWindows/);
  const whole = await calm(['eval', 'brierlm', 'runs/tiny', '--verbose'], folder);
  t.regex(whole.stdout, /numWindows +\d+/);
});

const SHOWN = [
  ['run', 'tiny.yaml'],
  ['run', 'tiny.yaml', '--verbose'],
  ['plan', 'tiny.yaml', '--set', 'train-lm.steps=31'],
  ['ls'],
  ['status', 'runs/tiny'],
  ['verify', 'runs/tiny'],
  ['gc', 'runs/tiny'],
  ['cost', 'tiny.yaml'],
  ['cost', 'tiny.yaml', '--ranks', '1,2'],
  ['stages'],
  ['engine', 'list'],
  ['doctor'],
];
const HELP = [['help'], ['help', 'run'], ['train-lm', '--help'], ['eval', 'brierlm', '--help'], ['eval']];

const wider = ({ stdout, stderr }: { stdout: string; stderr: string }, columns: number) =>
  `${stdout}${stderr}`.split('\n').filter((line) => stringWidth(line) > columns);

test('nothing is wider than the terminal, from 40 columns on', async (t) => {
  const folder = await finished(t);
  for (const columns of [40, 60, 80, 140, 200])
    for (const args of SHOWN) {
      const shown = await calm(args, folder, { OCLIF_COLUMNS: String(columns) });
      t.true(shown.stdout.length > 0, args.join(' '));
      t.deepEqual(wider(shown, columns), [], `${args.join(' ')}, ${columns} columns`);
    }
});

test('help neither', async (t) => {
  // It reads the width when it is loaded.
  for (const columns of [40, 80])
    for (const args of HELP) {
      const shown = await calmAlone(args, ROOT, { OCLIF_COLUMNS: String(columns) });
      t.is(shown.code, 0, shown.stderr);
      t.deepEqual(wider(shown, columns), [], `${args.join(' ')}, ${columns} columns`);
    }
});

test('a run folder remembers what its numbers are compared with', async (t) => {
  const folder = await finished(t);
  const manifest = JSON.parse(readFileSync(join(folder, 'runs/tiny/evaluate/manifest.json'), 'utf8'));
  t.like(manifest.labels['energy.loss'], {
    isHeadline: true,
    references: [{ label: 'context-free', value: 'energy.contextFreeLoss' }],
  });
});
