/** What makes a stage run again, and what does not. */

import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const short = { steps: 4, warmupSteps: 1, evaluateEvery: 4 };
const SHORT = { 'train-autoencoder': short, 'train-lm': short };

interface Document {
  readonly stages: readonly { readonly name: string; readonly state: string; readonly reasons?: string[] }[];
  readonly error: { readonly code: string; readonly message: string };
}

/** A project and its commands; each must end with code 0 unless another is named. */
function project(t: ExecutionContext, top: Record<string, unknown> = {}) {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, SHORT, { engine: 'onnx', ...top });
  const json = async (args: string[], expected = 0): Promise<Document> => {
    const { code, stdout, stderr } = await calm([...args, '--json'], folder);
    t.is(code, expected, `${args.join(' ')}\n${stdout}${stderr}`);
    return JSON.parse(stdout);
  };
  /** Stage → its state, of those that are not left out. */
  const planned = async (...more: string[]) => {
    const { stages } = await json(['plan', config, ...more]);
    const shown = stages.filter(({ state }) => state !== 'left out');
    return Object.fromEntries(shown.map(({ name, state }) => [name, state]));
  };
  return { folder, config, json, planned, texts: join(folder, 'texts') };
}

const allUpToDate = Object.fromEntries(Object.keys(TINY_STAGES).map((name) => [name, 'up to date']));

test('the contents of a corpus decide, not its times and places', async (t) => {
  const { folder, config, json, planned, texts } = project(t);
  await json(['run', config]);
  const results = contentsOf(join(folder, 'runs/tiny'));
  const file = join(texts, '3.txt');

  utimesSync(file, new Date(), new Date(Date.now() + 5000));
  t.deepEqual(await planned(), allUpToDate, 'touched');
  const copy = join(folder, 'copy');
  cpSync(texts, copy, { recursive: true });
  rmSync(texts, { recursive: true });
  renameSync(copy, texts);
  t.deepEqual(await planned(), allUpToDate, 'copied');
  renameSync(texts, join(folder, 'moved'));
  symlinkSync('moved', texts);
  t.deepEqual(await planned(), allUpToDate, 'moved behind a link');
  await json(['run', config]);
  t.deepEqual(contentsOf(join(folder, 'runs/tiny')), results);
});

test('other bytes of the same size and time are found by --check alone', async (t) => {
  const { config, json, planned, texts } = project(t);
  const until = ['--until', 'tokenize'];
  await json(['run', config, ...until]);
  const file = join(texts, '3.txt');
  const { mtime } = statSync(file);
  // To the millisecond, so that the time can be given back as it was noted.
  utimesSync(file, mtime, mtime);
  const bytes = readFileSync(file);
  bytes[10] ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, mtime, mtime);
  t.is((await planned(...until)).tokenize, 'up to date');
  t.is((await planned(...until, '--check')).tokenize, 'out of date');
  await json(['run', config, ...until, '--check']);
  t.is((await planned(...until, '--check')).tokenize, 'up to date');
  bytes[10] ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, mtime, new Date(mtime.getTime() + 5000));
  t.is((await planned(...until)).tokenize, 'kept', 'another time is looked into without being asked');
});

test('how often something is logged trains nothing again', async (t) => {
  const { config, json, planned } = project(t);
  await json(['run', config, '--until', 'train-lm']);
  for (const key of ['logEvery', 'checkpointEvery', 'keepCheckpoints', 'evaluateEvery'])
    t.deepEqual(
      await planned(
        '--until',
        'train-lm',
        '--set',
        `train-lm.${key}=3`,
        '--set',
        `train-autoencoder.${key}=3`,
      ),
      {
        tokenize: 'up to date',
        'train-autoencoder': 'up to date',
        'encode-corpus': 'up to date',
        'train-lm': 'up to date',
      },
      key,
    );
});

test('a sweep over seeds does once what draws nothing', async (t) => {
  const { folder, config, json } = project(t);
  await json(['run', config, '--until', 'encode-corpus']);
  const autoencoder = './runs/tiny/train-autoencoder/autoencoder';
  const stages = {
    tokenize: TINY_STAGES.tokenize,
    'encode-corpus': { ...TINY_STAGES['encode-corpus'], inputs: { autoencoder } },
    'train-lm': { ...TINY_STAGES['train-lm'], ...short, inputs: { autoencoder } },
  };
  writeFileSync(
    join(folder, 'seeds.yaml'),
    stringify({ matrix: { seed: [1, 2, 3] }, engine: 'onnx', stages }),
  );
  const { stages: planned } = await json(['run', 'seeds.yaml']);
  t.deepEqual(
    planned.map(({ name }) => name),
    ['tokenize', 'encode-corpus', 'train-lm@1', 'train-lm@2', 'train-lm@3'],
  );
  // They were there already, from the run with another seed.
  t.deepEqual(
    planned.map(({ state }) => state),
    ['up to date', 'up to date', 'done', 'done', 'done'],
  );
});

test('a corpus that is gone is missed only by a stage that must run again', async (t) => {
  const { folder, config, json, planned, texts } = project(t);
  await json(['run', config]);
  rmSync(texts, { recursive: true });
  const { stages } = await json(['plan', 'runs/tiny']);
  t.deepEqual(
    stages.map(({ state }) => state),
    Array(6).fill('up to date'),
  );
  t.deepEqual(stages[0].reasons, ['its source files are not there; taken as it is']);
  await json(['run', 'runs/tiny']);
  const changed = await json(['run', 'runs/tiny', '--set', 'sample.maxTokens=3']);
  t.deepEqual(
    changed.stages.map(({ state }) => state),
    [...Array(5).fill('up to date'), 'done'],
  );
  t.deepEqual(await planned('--set', 'sample.maxTokens=3'), allUpToDate);
  const redone = await json(['run', config, '--set', 'tokenize.validationFraction=0.3'], 1);
  t.is(redone.error.code, 'CALM_CORPUS_EMPTY');
  t.true(redone.error.message.includes('texts/*.txt'), redone.error.message);
  const forced = await json(['run', config, '--only', 'tokenize', '--force'], 1);
  t.regex(forced.error.code, /^CALM_(CORPUS_EMPTY|FILE_MISSING)$/);
  t.is((await calm(['verify', 'runs/tiny'], folder)).code, 0, 'nothing is lost by it');
});

const PLUGIN = (times: string) => `
import { tokenShards } from 'calm-lm/artifacts';
import { defineArtifact, defineStage } from 'calm-lm/plugin';
import { z } from 'zod';
${times}
const nothing = defineArtifact({ name: 'nothing', formatVersion: 1, open: async () => ({}), create: async () => ({}) });
export default defineStage({
  name: 'count', summary: 'Counts.', config: z.strictObject({}), inputs: { tokens: tokenShards },
  outputs: { nothing }, async run({ report }) { report.summary({ times }); },
});
`;

test(
  'a stage runs again where the code of its plugin changed: a file, what it imports, a ' + 'package',
  async (t) => {
    t.timeout(120_000);
    const { folder, json } = project(t);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
    symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
    const installed = join(folder, 'node_modules/calm-plugin-count');
    cpSync(join(ROOT, 'test/fixtures/calm-plugin-count'), installed, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'times.js'), 'export const times = 1;\n');
    writeFileSync(join(folder, 'own.js'), PLUGIN("import { times } from './times.js';"));
    const stages = { tokenize: TINY_STAGES.tokenize, count: {}, 'count-tokens': { top: 2 } };
    const plugins = ['./own.js', 'calm-plugin-count'];
    writeFileSync(join(folder, 'counted.yaml'), stringify({ plugins, stages }));
    const states = async (command = 'plan') =>
      (await json([command, 'counted.yaml'])).stages.map(({ state }) => state);
    await states('run');
    t.deepEqual(await states(), ['up to date', 'up to date', 'up to date']);
    const append = (path: string, text: string) => writeFileSync(path, readFileSync(path, 'utf8') + text);
    const changes: [string, string[]][] = [
      [join(folder, 'own.js'), ['up to date', 'out of date', 'up to date']],
      [join(folder, 'times.js'), ['up to date', 'out of date', 'up to date']],
      [join(installed, 'index.js'), ['up to date', 'up to date', 'out of date']],
    ];
    for (const [path, expected] of changes) {
      const before = readFileSync(path, 'utf8');
      append(path, '\n// changed\n');
      t.deepEqual(await states(), expected, path);
      const { stages: all } = await json(['plan', 'counted.yaml']);
      t.deepEqual(all[expected.indexOf('out of date')].reasons, ['the code of its plugin changed']);
      writeFileSync(path, before);
      t.deepEqual(await states(), ['up to date', 'up to date', 'up to date'], 'contents decide here too');
    }
  },
);
