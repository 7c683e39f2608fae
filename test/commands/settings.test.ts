/** `--set`, plugins and unknown commands: what is meant is taken, what can't be is a clear error. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

interface Planned {
  readonly stages: readonly { readonly name: string; readonly state: string; readonly reasons: string[] }[];
}

const texts: readonly [given: string, taken: string][] = [
  ['Hello: world', 'Hello: world'],
  ['{', '{'],
  ['"open', '"open'],
  ["it's", "it's"],
  ['@handle', '@handle'],
  ['%x', '%x'],
  ['*', '*'],
  ['&a', '&a'],
  ['- a', '- a'],
  ['123', '123'],
  ['1e3', '1e3'],
  ['true', 'true'],
  ['null', 'null'],
  ['~', '~'],
  ['2024-01-01', '2024-01-01'],
  ['a # b', 'a # b'],
  ['[a, b]', '[a, b]'],
  ['a=b=c', 'a=b=c'],
  ['', ''],
  ['"quoted"', 'quoted'],
  ["'123'", '123'],
  ['"a\\nb"', 'a\nb'],
  [' spaces ', ' spaces '],
  ['ünïcödé 🦜', 'ünïcödé 🦜'],
];

test('where text is wanted, --set takes what is given as it stands; quotes may be around it', async (t) => {
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  // What the value is shows where it differs from the one that a finished stage had.
  const stages = { tokenize: TINY_STAGES.tokenize, echo: {} };
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  writeFileSync(
    join(folder, 'echo.js'),
    `import { defineStage } from 'calm-lm/plugin';
import { z } from 'zod';
export default defineStage({
  name: 'echo', summary: 'Says what it was given.', inputs: {}, outputs: {},
  config: z.strictObject({ text: z.string().default('none'), many: z.array(z.number()).default([]) }),
  async run({ config, report }) { report.summary(config); },
});
`,
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'echo.yaml'), stringify({ plugins: ['./echo.js'], stages }));
  const echo = async (...set: string[]) => {
    const sets = set.flatMap((text) => ['--set', text]);
    const args = ['run', 'echo.yaml', '--only', 'echo', ...sets, '--json'];
    const { code, stdout, stderr } = await calm(args, folder);
    t.is(code, 0, `${set.join(' ')}: ${stdout}${stderr}`);
    return (JSON.parse(stdout) as { stages: { metrics: { text: string; many: number[] } }[] }).stages[0]
      .metrics;
  };
  for (const [given, taken] of texts) t.is((await echo(`echo.text=${given}`)).text, taken, `text=${given}`);
  t.deepEqual(await echo('echo.many=[1, 2]'), { text: 'none', many: [1, 2] });
  t.deepEqual(await echo('echo={ text: whole }'), { text: 'whole', many: [] });
  t.deepEqual(await echo('stages.echo.text=long'), { text: 'long', many: [] });
});

const mistakes: readonly [what: string, args: string[], code: string, message: RegExp][] = [
  ['a number for a stage', ['plan', 'tiny.yaml', '--set', 'train-lm=5'], 'CALM_OVERRIDE', /train-lm/],
  ['no value', ['plan', 'tiny.yaml', '--set', 'train-lm.steps'], 'CALM_OVERRIDE', /train-lm\.steps/],
  ['no path', ['plan', 'tiny.yaml', '--set', '=5'], 'CALM_OVERRIDE', /=5/],
  ['an unknown path', ['plan', 'tiny.yaml', '--set', 'trian-lm.steps=5'], 'CALM_OVERRIDE', /trian-lm/],
  [
    'text for a number',
    ['plan', 'tiny.yaml', '--set', 'train-lm.steps={'],
    'CALM_CONFIG_INVALID',
    /train-lm\.steps/,
  ],
  ['an engine that is none', ['plan', 'tiny.yaml', '--set', 'engine=torch'], 'CALM_ENGINE_UNKNOWN', /torch/],
  ['an engine flag that is none', ['plan', 'tiny.yaml', '--engine', 'torch'], 'CALM_ENGINE_UNKNOWN', /torch/],
  ['an engine in the file that is none', ['plan', 'torch.yaml'], 'CALM_ENGINE_UNKNOWN', /torch/],
  [
    'a key that a matrix sets',
    ['plan', 'matrix.yaml', '--set', 'train-lm.head=flow'],
    'CALM_OVERRIDE',
    /matrix/,
  ],
  ['a stage that a matrix sets', ['plan', 'matrix.yaml', '--set', 'train-lm={}'], 'CALM_OVERRIDE', /matrix/],
  ['an unknown command', ['trian-lm'], 'CALM_COMMAND_UNKNOWN', /trian-lm/],
  ['an unknown command of a topic', ['eval', 'brierml'], 'CALM_COMMAND_UNKNOWN', /brierml/],
  ['an unknown command with words', ['rnu', 'tiny.yaml', '--force'], 'CALM_COMMAND_UNKNOWN', /rnu/],
  ['a plugin with a syntax error', ['plan', 'broken.yaml'], 'CALM_PLUGIN_NOT_LOADED', /broken\.js/],
  ['a stage that throws', ['run', 'throws.yaml'], 'CALM_STAGE_FAILED', /the stage is out of luck/],
];

test('mistakes are documents with --json and one screen without', async (t) => {
  t.timeout(120_000);
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const write = (name: string, data: object) => writeFileSync(join(folder, name), stringify(data));
  write('torch.yaml', { engine: 'torch', stages: TINY_STAGES });
  write('matrix.yaml', { matrix: { 'train-lm.head': ['energy', 'flow'] }, stages: TINY_STAGES });
  write('broken.yaml', { plugins: ['./broken.js'], stages: {} });
  writeFileSync(join(folder, 'broken.js'), 'export default {{;\n');
  write('throws.yaml', { plugins: ['./throws.js'], stages: { throws: {} } });
  writeFileSync(
    join(folder, 'throws.js'),
    `import { defineStage } from 'calm-lm/plugin';
const config = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } };
export default defineStage({
  name: 'throws', summary: 'Throws.', config, inputs: {}, outputs: {},
  async run() { throw new TypeError('the stage is out of luck'); },
});
`,
  );
  for (const [what, args, code, message] of mistakes) {
    const document = await calm([...args, '--json'], folder);
    t.true(document.code > 0, what);
    const { error } = JSON.parse(document.stdout) as { error: { code: string; message: string } };
    t.true(error.code.startsWith(code), `${what}: ${document.stdout}`);
    t.regex(error.message, message, what);
    const shown = await calm(args, folder);
    t.is(shown.code, document.code, what);
    t.regex(shown.stdout + shown.stderr, message, what);
    t.true(shown.stderr.split('\n').length < 20, shown.stderr);
    if (code !== 'CALM_STAGE_FAILED') t.notRegex(shown.stderr, /\n {4}at /, what);
    t.notRegex(shown.stderr, /defect of calm/, what);
  }
});

test('text that is wanted in a built-in stage', async (t) => {
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  for (const prompt of ['123', '{', '*.txt', 'Hello: world', '"open']) {
    const args = ['plan', 'tiny.yaml', '--set', `sample.prompt=${prompt}`, '--json'];
    const { code, stdout } = await calm(args, folder);
    t.is(code, 0, stdout);
    t.is((JSON.parse(stdout) as Planned).stages.length, 6);
  }
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('a pipe in a folder is waited for by no command', async (t) => {
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'runs/there'), { recursive: true });
  const names = { id: 'tokenize', base: 'tokenize', uses: 'tokenize' };
  const asked = { ...names, fingerprint: 'a', inputs: {}, outputs: {} };
  const record = { directory: folder, stages: [asked] };
  writeFileSync(join(folder, 'runs/there/run.json'), JSON.stringify(record));
  const manifest = {
    ...{ formatVersion: 1, stage: 'tokenize', uses: 'tokenize', stageVersion: 1, fingerprint: 'a', seed: 0 },
    ...{ config: {}, inputs: {}, outputs: {}, versions: {}, seconds: 1, finishedAt: '', metrics: {} },
  };
  mkdirSync(join(folder, 'runs/there/tokenize'));
  writeFileSync(join(folder, 'runs/there/tokenize/manifest.json'), JSON.stringify(manifest));
  for (const args of [
    ['plan', 'pipe'],
    ['status', '--config', 'pipe'],
    ['init', 'pipe', '--force'],
    ['report', 'runs/there', '--output', 'pipe'],
    ['report', 'runs/there', '--markdown', 'pipe'],
    ['run', '/dev/zero'],
  ]) {
    const { code, stdout } = await calm([...args, '--json'], folder);
    t.is(code, 1, args.join(' '));
    t.is(JSON.parse(stdout).error.code, 'CALM_NOT_A_FILE', args.join(' '));
  }
  const { code, stderr } = await calm(['report', 'runs/there', '--markdown', 'plain'], folder);
  t.is(code, 0, stderr);
});
