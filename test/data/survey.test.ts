import { symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { countTexts, findTexts, listCorpus, sourcesFor } from '../../src/data/index.ts';
import { folderWith } from '../helpers/temporary.ts';

/** What was found, by paths from the folder. */
async function found(folder: string) {
  const { texts, unread, aside } = await findTexts(folder);
  const from = (path: string) => relative(folder, path);
  return {
    texts: texts.map(({ path }) => from(path)),
    unread: Object.fromEntries(unread.map(({ path, problem }) => [from(path), problem])),
    aside: aside.map(from),
  };
}

test('a project’s texts are told from what it has beside them', async (t) => {
  const folder = folderWith(t, {
    'a.txt': 'one',
    'notes/b.md': 'two',
    'notes/c.jsonl': '{"text":"three"}\n',
    'notes/d.txt.gz': gzipSync('four'),
    'README.md': 'what it is',
    'LICENSE.txt': 'what may be done',
    'package.json': '{\n  "name": "x"\n}\n',
    'src/code.js': 'let a = 1;',
    'node_modules/x/e.txt': 'not mine',
    '.git/f.txt': 'hidden',
    'runs/x/run.json': '{}',
    'runs/x/tokenize/g.txt': 'a result',
    'empty.txt': '',
  });
  t.deepEqual(await found(folder), {
    texts: ['a.txt', 'notes/b.md', 'notes/c.jsonl', 'notes/d.txt.gz'],
    unread: {},
    aside: ['LICENSE.txt', 'README.md', 'src/code.js'],
  });
});

test('what can’t be read is named with its reason', async (t) => {
  const folder = folderWith(t, {
    'a.pdf': '%PDF-1.7',
    'b.txt': Buffer.from('\ufeffwide', 'utf16le'),
    'c.bin': Buffer.from([0, 1, 2, 3, 0, 5, 6, 7, 255]),
    'd.json': '[\n{"text": "x"},\n{"text": "y"}\n]\n',
    'e.txt': 'good',
  });
  symlinkSync('nowhere', join(folder, 'f.txt'));
  t.deepEqual(await found(folder), {
    texts: ['d.json', 'e.txt'],
    unread: {
      'a.pdf': 'is a PDF',
      'b.txt': 'is UTF-16 and not UTF-8',
      'c.bin': 'is not text',
    },
    aside: [],
  });
});

test('the field of JSON lines is text, or the one with the longest strings', async (t) => {
  const folder = folderWith(t, {
    'a.jsonl': '{"id":"1234567890","text":"x"}\n',
    'b.jsonl': '{"id":"1","body":"a longer one","title":"short"}\nbroken\n',
    'c.jsonl.gz': gzipSync('{"content":"zipped"}\n'),
  });
  const { texts } = await findTexts(folder);
  t.deepEqual(
    texts.map(({ textField }) => textField),
    ['text', 'body', 'content'],
  );
});

test('texts are counted; damaged files and bad lines are told', async (t) => {
  const whole = 'In the beginning, äöü.\n';
  const folder = folderWith(t, {
    'a.txt': whole,
    'b.txt': '  \n\n',
    'c.jsonl': '{"text":"one"}\nbroken\n{"text":"two"}\n{"text":" "}\n',
    'd.txt.gz': gzipSync('word '.repeat(10_000)).subarray(0, 60),
    'e.jsonl': 'nothing\nof\nuse\n',
    'f.txt.gz': gzipSync('zipped'),
  });
  const { texts } = await findTexts(folder);
  const count = await countTexts(texts);
  const from = (path: string) => relative(folder, path);
  t.is(count.documents, 4);
  t.true(count.isWhole);
  t.deepEqual(Object.fromEntries([...count.lengths].map(([path, lengths]) => [from(path), lengths])), {
    'a.txt': [Buffer.byteLength(whole)],
    'b.txt': [],
    'c.jsonl': [3, 3],
    'f.txt.gz': [6],
  });
  t.is(count.numBad, 1);
  t.like(count.firstBad, { path: join(folder, 'c.jsonl') });
  t.regex(String(count.firstBad?.problem), /^line 2 is not valid JSON/);
  t.deepEqual(
    count.broken.map(({ path, problem }) => `${from(path)} ${problem.slice(0, 20)}`),
    ['d.txt.gz can’t be read: it ca'.replace('’', "'"), 'e.jsonl gives no document: l'],
  );
  t.is(count.sample[0], whole);
});

test('a document that comes in pieces is one', async (t) => {
  const folder = folderWith(t, { 'long.txt': 'Many words again. '.repeat(200_000) });
  const { texts } = await findTexts(folder);
  const { lengths, documents } = await countTexts(texts);
  t.is(documents, 1);
  t.deepEqual([...lengths.values()], [[18 * 200_000]]);
});

test('what is beyond the first megabytes is estimated', async (t) => {
  const line = `${'w'.repeat(99)}\n`;
  const folder = folderWith(t, {
    'a.txt': line.repeat(400_000),
    'b.txt': line.repeat(400_000),
    'c.txt': line.repeat(400_000),
  });
  const { texts } = await findTexts(folder);
  const { bytes, documents, isWhole } = await countTexts(texts);
  t.false(isWhole);
  t.true(Math.abs(bytes - 120e6) < 1e6, String(bytes));
  t.is(documents, 3);
});

/** Patterns for the texts of a folder; they mean these files and no others. */
async function patternsOf(t: ExecutionContext, folder: string): Promise<readonly string[]> {
  const { texts, unread, skipped } = await findTexts(folder);
  const sources = sourcesFor(texts, { unread: unread.map(({ path }) => path), skipped }, folder);
  const meant = await listCorpus(sources, folder);
  t.deepEqual(meant.map(({ path }) => path).sort(), texts.map(({ path }) => path).sort());
  return sources.flatMap(({ files }) => files);
}

test('patterns are short and mean exactly the texts that were found', async (t) => {
  const flat = { 'x/a.txt': 'a', 'x/b.txt': 'b', 'x/c.jsonl': '{"text":"c"}', 'd.txt': 'd' };
  t.deepEqual(await patternsOf(t, folderWith(t, flat)), ['d.txt', 'x/*.txt', 'x/c.jsonl']);

  const deep = { 'x/a.txt': 'a', 'x/y/b.txt': 'b', 'x [1]/c.txt': 'c', 'x [1]/d.txt': 'd' };
  t.deepEqual(await patternsOf(t, folderWith(t, deep)), ['x/**/*.txt', 'x [1]/*.txt']);

  const withUnread = { 'x/a.txt': 'a', 'x/b.txt': 'b', 'x/c.txt': Buffer.from([0, 1, 2]) };
  t.deepEqual(await patternsOf(t, folderWith(t, withUnread)), ['x']);

  const withOther = { ...withUnread, 'x/code.js': 'let a;', 'x/y/d.txt': 'd', 'x/y/e.txt': 'e' };
  t.deepEqual(await patternsOf(t, folderWith(t, withOther)), ['x/a.txt', 'x/b.txt', 'x/y/*.txt']);

  const withPackages = { ...deep, 'x/y/e.txt': 'e', 'x/node_modules/f.txt': 'f', 'x [1]/z/g.txt': 'g' };
  t.deepEqual(await patternsOf(t, folderWith(t, withPackages)), ['x/a.txt', 'x/y/*.txt', 'x [1]/**/*.txt']);

  const project = { 'a.txt': 'a', 'b.txt': 'b', 'LICENSE.txt': 'no text' };
  t.deepEqual(await patternsOf(t, folderWith(t, project)), ['a.txt', 'b.txt']);

  const names = Array.from({ length: 12 }, (_, i) => `x/${i}.txt`);
  const many = Object.fromEntries(names.map((name) => [name, 'a']));
  const damaged = {
    ...many,
    'x/odd [1].txt': Buffer.from([0]),
    'x/bad.txt': Buffer.from([0]),
    'x/a.js': 'x',
  };
  t.is((await patternsOf(t, folderWith(t, damaged))).length, 12, 'a name with brackets is not left out');
  const { 'x/odd [1].txt': _, ...plain } = damaged;
  t.deepEqual(await patternsOf(t, folderWith(t, plain)), ['x/!(bad).txt']);
});
