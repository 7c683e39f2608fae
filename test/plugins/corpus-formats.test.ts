import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { tokenShards } from 'calm-lm/artifacts';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';
import { filesOf, tokenize } from '../helpers/tokenize.ts';

const calm = calmInOneProcess(test);

const PACKAGE = join(ROOT, 'test/fixtures/calm-plugin-records');
const DOCUMENT = readFileSync(join(ROOT, 'docs/extending/corpus-formats.md'), 'utf8');
const EXAMPLE = /```js\n([\s\S]*?)```/.exec(DOCUMENT)?.[1] ?? '';

/** A project with calm-lm and the package, whose code is the example of the documentation. */
function install(folder: string): string {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  const installed = join(folder, 'node_modules/calm-plugin-records');
  cpSync(PACKAGE, installed, { recursive: true });
  writeFileSync(join(installed, 'index.js'), EXAMPLE);
  return join(installed, 'index.js');
}

let registered: Promise<unknown> | undefined;

/** Loads the package in this process, once. */
function register(folder: string): Promise<unknown> {
  registered ??= import(pathToFileURL(install(folder)).href);
  return registered;
}

function records(texts: readonly (string | Uint8Array)[]): Buffer {
  const parts = texts.map((text) => {
    const bytes = Buffer.from(text as string);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  return Buffer.concat([Buffer.from('REC1'), ...parts]);
}

test('the example of the documentation is the package', (t) => {
  t.is(EXAMPLE, readFileSync(join(PACKAGE, 'index.js'), 'utf8'));
});

test(
  "a plugin's format is read beside the built-in ones, packed and plain, and its bad records are " +
    'counted',
  async (t) => {
    const folder = temporaryFolder(t);
    install(folder);
    writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "module" }');
    writeFileSync(join(folder, 'a.rec'), records(['one', ' ', Buffer.of(0xff), 'zwei ü']));
    writeFileSync(join(folder, 'b.rec.gz'), gzipSync(records(['drei', ''])));
    writeFileSync(join(folder, 'c.jsonl'), '{"text": "four"}\n');
    const config = `name: x
plugins: [calm-plugin-records]
stages:
  tokenize:
    { corpus: [a.rec, b.rec.gz, c.jsonl], tokenizer: bytes, validationFraction: 0, onBadLine: fail }
`;
    writeFileSync(join(folder, 'x.yaml'), config);
    const refused = await calm(['run', 'x.yaml'], folder);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /CALM_CORPUS_LINE[\s\S]*a\.rec[\s\S]*record 3 is not UTF-8/);
    writeFileSync(join(folder, 'x.yaml'), config.replace('fail', 'skip'));
    const run = await calm(['run', 'x.yaml', '--json'], folder);
    t.is(run.code, 0, run.stderr);
    t.like(JSON.parse(run.stdout).stages[0].metrics, { documents: 4, emptyDocuments: 2, leftOutLines: 1 });
    const tokens = join(folder, 'runs/x/tokenize/tokens');
    const ids = new Uint16Array(new Uint8Array(readFileSync(join(tokens, 'train-00000.bin'))).buffer);
    const text = Buffer.from(ids.map((id) => (id < 256 ? id : 10))).toString();
    t.is(text, 'one\nzwei ü\ndrei\nfour\n');
    t.deepEqual(JSON.parse(readFileSync(join(tokens, 'left-out.jsonl'), 'utf8')), {
      file: 'a.rec',
      line: 3,
      problem: 'is not UTF-8',
    });
  },
);

test("tokenizing a plugin's format is stopped and resumed to the same bytes, on threads too", async (t) => {
  const folder = temporaryFolder(t);
  await register(folder);
  const texts = Array.from({ length: 2500 }, (_, i) => tinyText(i, 60 + (i % 7)));
  writeFileSync(join(folder, 'a.rec'), records(texts.slice(0, 1900)));
  writeFileSync(join(folder, 'b.rec.gz'), gzipSync(records(texts.slice(1900)), { level: 1 }));
  const corpus = [join(folder, 'a.rec'), join(folder, 'b.rec.gz')];
  const whole = await tokenize(join(folder, 'whole'), { corpus });
  t.true(whole.chunks >= 6, `${whole.chunks} chunks`);
  const stopped = join(folder, 'stopped');
  for (const stopAfter of [1, 2, 2])
    await t.throwsAsync(tokenize(stopped, { corpus, stopAfter }), { name: 'AbortError' });
  t.false(existsSync(join(stopped, 'tokens/index.json')));
  const { notes, chunks } = await tokenize(stopped, { corpus });
  t.regex(notes[0], /after \d+ documents/);
  t.is(chunks, whole.chunks - 5);
  t.deepEqual(filesOf(stopped), filesOf(join(folder, 'whole')));
  const shards = await tokenShards.open(join(stopped, 'tokens'));
  t.is(shards.split('train').numDocuments + shards.split('validation').numDocuments, texts.length);
  shards.close();
});

test('a file of such a format that is damaged is named', async (t) => {
  const folder = temporaryFolder(t);
  await register(folder);
  const good = records(['one', 'two']);
  const cases: [Buffer, RegExp][] = [
    [good.subarray(0, -1), /middle of a record/],
    [good.subarray(0, -3), /behind the length/],
    [Buffer.concat([good, Buffer.of(255, 255, 255, 255)]), /longer than any/],
  ];
  for (const [bytes, problem] of cases) {
    writeFileSync(join(folder, 'a.rec'), bytes);
    const error = await t.throwsAsync(tokenize(folder, { corpus: 'a.rec' }), { code: 'CALM_CORPUS_FILE' });
    t.regex(error?.message ?? '', problem);
    t.regex(error?.message ?? '', /a\.rec can't be read/);
  }
});
