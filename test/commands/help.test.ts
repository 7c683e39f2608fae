/** Help, versions, mistakes of the command line, and completion. */

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';
import { lookUp } from '../../src/commands/calm-here.ts';
import { splitLine } from '../../src/commands/completion/split-line.ts';
import { EXECUTABLE, ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);
const PLUGINS = ['calm-plugin-count', 'calm-plugin-hit-rate'];

/** A folder whose calm.yaml has a stage and a measure of third parties. One for all: a process registers once. */
const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
test.before(() => {
  writeTinyProject(folder);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  for (const name of PLUGINS)
    cpSync(join(ROOT, 'test/fixtures', name), join(folder, 'node_modules', name), { recursive: true });
  const stages = 'stages:\n  tokenize: { corpus: "texts/*.txt" }\n  count-tokens: { top: 2 }\n';
  writeFileSync(join(folder, 'calm.yaml'), `plugins: [${PLUGINS}]\n${stages}`);
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test('help, -h, -v: where people look for them', async (t) => {
  const [whole, short, version] = [
    await calm(['help'], ROOT),
    await calm(['-h'], ROOT),
    await calm(['version'], ROOT),
  ];
  t.is(whole.code, 0);
  t.is(whole.stdout, short.stdout);
  t.regex(whole.stdout, /\nSTART\n {2}init .*\n {2}run /);
  t.regex(
    whole.stdout,
    /\nSTAGES \(.*\n {2}tokenize .*[\s\S]*\n {2}train-autoencoder .*[\s\S]*\n {2}train-lm /,
  );
  t.regex(version.stdout, /^calm-lm\/\d+\.\d+\.\d+ /);
  for (const flag of ['-v', '--version']) t.is((await calm([flag], ROOT)).stdout, version.stdout);
  t.is((await calm(['help', 'run'], ROOT)).stdout, (await calm(['run', '-h'], ROOT)).stdout);
  t.regex((await calm(['help', 'eval'], ROOT)).stdout, /eval brierlm/);
});

test('help on a stage has its keys with types and defaults, lists and maps too', async (t) => {
  const { stdout } = await calm(['help', 'train-lm'], ROOT);
  t.is(stdout, (await calm(['train-lm', '--help'], ROOT)).stdout);
  t.regex(stdout, /\nKEYS\n {2}--model=calm\|transformer\n {6}\[default: calm\]/);
  t.regex(stdout, /--steps=INTEGER\n {6}\[default: \d+\]/);
  t.regex(stdout, /--learning-rate=NUMBER\n/);
  t.regex((await calm(['evaluate', '-h'], ROOT)).stdout, /--set=evaluate\.measures=\[…\]\n/);
});

test('help on stages and measures that only a configuration knows', async (t) => {
  for (const args of [
    ['help', 'count-tokens'],
    ['count-tokens', '--help'],
    ['count-tokens', 'calm.yaml', '-h'],
  ]) {
    const { code, stdout, stderr } = await calm(args, folder);
    t.is(code, 0, stderr);
    t.regex(stdout, /calm count-tokens \[CONFIG\][\s\S]*--top=INTEGER +\[default: 10\]/);
  }
  const measure = await calm(['help', 'eval', 'hit-rate'], folder);
  t.is(measure.code, 0, measure.stderr);
  t.regex(measure.stdout, /calm eval hit-rate \[RUN\]/);
});

const MISTAKES: [args: string[], code: string, message: RegExp, hint: RegExp][] = [
  [['trian-lm'], 'CALM_COMMAND_UNKNOWN', /"calm trian-lm"/, /"calm train-lm"/],
  [['hepl'], 'CALM_COMMAND_UNKNOWN', /"calm hepl"/, /"calm help"/],
  [['help', 'rnu'], 'CALM_COMMAND_UNKNOWN', /"calm rnu"/, /"calm run"/],
  [['rnu', '--help'], 'CALM_COMMAND_UNKNOWN', /"calm rnu"/, /"calm run"/],
  [['count-tokesn'], 'CALM_COMMAND_UNKNOWN', /count-tokesn/, /"calm count-tokens"/],
  [['eval', 'hit-rat', 'calm.yaml'], 'CALM_COMMAND_UNKNOWN', /"calm eval hit-rat"/, /"calm eval hit-rate"/],
  [['eval', 'brirelm', '-h'], 'CALM_COMMAND_UNKNOWN', /brirelm/, /"calm eval brierlm"/],
  [['engine', 'instal'], 'CALM_COMMAND_UNKNOWN', /"calm engine instal"/, /"calm engine install"/],
  [['--frce'], 'CALM_COMMAND_UNKNOWN', /--frce/, /calm help/],
  [['evaluate-baseline'], 'CALM_COMMAND_UNKNOWN', /evaluate-baseline/, /Write `evaluate` instead/],
  [['run', '--frce'], 'CALM_USAGE', /^calm run has no flag --frce\.$/, /--force/],
  [['train-lm', '--stpes', '3'], 'CALM_USAGE', /--stpes/, /--steps\?/],
  [['rm'], 'CALM_USAGE', /^calm rm needs RUN \(run folder\)\.$/, /calm rm --help/],
  [['ls', 'a', 'b'], 'CALM_USAGE', /^calm ls takes no argument b\.$/, /calm ls --help/],
  [['engine', 'install', 'gup'], 'CALM_USAGE', /Expected gup/, /Did you mean "gpu"\?/],
  [['train-lm', '--model', 'clam'], 'CALM_USAGE', /Expected --model=clam/, /Did you mean "calm"\?/],
  [['run', '-q', '--verbose'], 'CALM_USAGE', /^--quiet=true cannot also be provided/, /calm run --help/],
  [['help', '--frce'], 'CALM_USAGE', /--frce/, /calm/],
  [['run', 'cal.yaml'], 'CALM_CONFIG_NOT_FOUND', /cal\.yaml/, /Did you mean \S+calm\.yaml\?/],
  [['run', '--engine', 'onxx'], 'CALM_ENGINE_UNKNOWN', /onxx/, /"onnx"/],
  [['run', '--set', 'tokenize.vocabsize=9'], 'CALM_CONFIG_UNKNOWN_KEY', /vocabsize/, /"vocabSize"/],
];

test('every mistake of the command line has a code and a way out, as text and as a document', async (t) => {
  for (const [args, code, message, hint] of MISTAKES) {
    const text = await calm(args, folder);
    t.true(text.code > 0, args.join(' '));
    t.true(text.stderr.startsWith(`✖ ${code}`), text.stderr);
    t.is(text.stdout, '');
    const json = await calm([...args, '--json'], folder);
    t.is(json.code, text.code, args.join(' '));
    const { error } = JSON.parse(json.stdout);
    t.is(error.code, code, json.stdout);
    t.regex(error.message, message);
    t.regex(error.hint, hint);
  }
});

test('commands are shown as they can be started here', (t) => {
  const folder = temporaryFolder(t);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(EXECUTABLE, join(bin, 'calm'));
  t.is(lookUp({ PATH: ['/nowhere', bin].join(delimiter) }, folder), 'calm');
  t.is(lookUp({ PATH: '/nowhere' }, folder), `node ${EXECUTABLE}`);
  t.is(lookUp({ PATH: '/nowhere' }, ROOT), 'npx calm', 'in a clone');
  t.is(lookUp({ npm_command: 'exec' }, folder), 'npx calm');
  const own = join(folder, 'node_modules', '.bin');
  mkdirSync(own, { recursive: true });
  symlinkSync(EXECUTABLE, join(own, 'calm'));
  t.is(lookUp({ PATH: own }, join(folder, 'bin')), 'npx calm', 'npx itself puts this folder on the PATH');
  writeFileSync(join(folder, 'calm'), '#!/bin/sh\n');
  chmodSync(join(folder, 'calm'), 0o755);
  t.is(lookUp({ PATH: folder }, bin), 'npx calm', 'another program of that name');
});

test('a line is taken apart as a shell does it', (t) => {
  t.deepEqual(splitLine('calm run'), ['calm', 'run']);
  t.deepEqual(splitLine('calm  run '), ['calm', 'run', '']);
  t.deepEqual(splitLine(`calm "a b" 'c "d' e\\ f`), ['calm', 'a b', 'c "d', 'e f']);
});

/** What a shell would be told. */
function completed(folder: string, shell: string, ...words: string[]): string[] {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const answer = spawnSync(process.execPath, [EXECUTABLE, 'complete', shell, ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return answer.stdout.split('\n').filter(Boolean);
}

test('completion: commands, flags, values, keys, stages, runs and files', (t) => {
  mkdirSync(join(folder, 'runs', 'one'), { recursive: true });
  writeFileSync(join(folder, 'runs', 'one', 'run.json'), '{}');
  const cases: [line: string, found: string[]][] = [
    ['calm ru', ['run']],
    ['calm cou', ['count-tokens']],
    ['calm help tra', ['train-autoencoder', 'train-lm']],
    ['calm engine ', ['install', 'list', 'remove']],
    ['calm engine install ', ['cpu', 'gpu', 'onnx']],
    ['calm run --fo', ['--force']],
    ['calm run --force --fo', []],
    ['calm run --engine on', ['onnx']],
    ['calm run --engine=on', ['onnx']],
    ['calm train-lm --model t', ['transformer']],
    ['calm sample --checkpoint ', ['latest', 'best']],
    ['calm run --only ', ['tokenize', 'count-tokens']],
    ['calm run tiny.yaml --until train-', ['train-autoencoder', 'train-lm']],
    ['calm run tiny.yaml --set train-lm.st', ['train-lm.steps=']],
    ['calm run tiny.yaml -s train-lm.schedule=cos', ['cosine']],
    ['calm run tiny.yaml --set train-lm.head.noise', ['train-lm.head.noiseSize=']],
    ['calm run --set tok', ['tokenize.']],
    ['calm run --set see', ['seed=']],
    ['calm run ca', ['calm.yaml']],
    ['calm sample ', ['runs/one', 'runs/', 'texts/']],
    ['calm status runs/o', ['runs/one']],
    ['calm init note', []],
    ['calm nothing ', []],
    ['calm autocomplete ', ['bash', 'zsh', 'fish']],
  ];
  for (const [line, found] of cases) t.deepEqual(completed(folder, 'bash', line), found, line);
  t.deepEqual(completed(folder, 'fish', 'calm', 'run', '--engine=on'), ['--engine=onnx\t']);
  t.regex(completed(folder, 'zsh', 'calm', 'ru')[0], /^run\tRun the stages/);
});

test('the scripts are what shells read, and bash completes with its own', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await calm(['autocomplete', shell], folder);
    writeFileSync(join(folder, 'script'), stdout);
    const checked = spawnSync(shell, ['-n', join(folder, 'script')], { encoding: 'utf8' });
    if (!checked.error) t.is(checked.status, 0, checked.stderr);
  }
  t.regex(
    (await calm(['autocomplete'], folder, { SHELL: '/bin/zsh' })).stdout,
    /~\/\.zshrc[\s\S]*autocomplete zsh/,
  );
  mkdirSync(join(folder, 'bin'));
  symlinkSync(EXECUTABLE, join(folder, 'bin', 'calm'));
  const script = (await calm(['autocomplete', 'bash'], folder)).stdout;
  const line = 'calm run tiny.yaml --set train-lm.schedule=co';
  const asking = `${script}
COMP_LINE='${line}' COMP_POINT=${line.length}
_calm_complete 2>/dev/null
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const PATH = [join(folder, 'bin'), env.PATH].join(delimiter);
  const answer = spawnSync('bash', ['-c', asking], { cwd: folder, env: { ...env, PATH }, encoding: 'utf8' });
  if (answer.error) {
    t.pass('there is no bash here');
    return;
  }
  t.deepEqual(answer.stdout.trim().split('\n'), ['constant', 'constant_with_warmup', 'cosine']);
});
