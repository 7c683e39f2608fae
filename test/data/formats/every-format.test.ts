import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { documentsOf, readChunks } from '../../../src/data/corpus-chunks.ts';
import { ZstdFrames } from '../../../src/data/formats/zstd.ts';
import {
  ByteTokenizer,
  CORPUS_START,
  type CorpusSource,
  CorpusWorkers,
  countTexts,
  findTexts,
  listCorpus,
} from '../../../src/data/index.ts';
import type { CalmError } from '../../../src/errors.ts';
import { ROOT } from '../../helpers/cli.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { oddText, oddTexts } from '../../helpers/texts.ts';
import { filesOf, tokenize } from '../../helpers/tokenize.ts';

const FIXTURES = join(ROOT, 'test/fixtures/formats');
const TEXTS = oddTexts(7000);

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const row = (delimiter: string) => (text: string, i: number) => [i, quoted(text), 'x'].join(delimiter);
const records = (texts: readonly string[]) => texts.map((text, id) => ({ id, text, more: [{ of: ',]' }] }));

/** A table of three columns, with row groups and pages far smaller than a chunk's text and larger. */
function parquetOf(
  texts: readonly (string | null)[],
  codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY',
): Uint8Array {
  const columnData = [
    { name: 'id', data: texts.map((_, i) => i), type: 'INT32' as const },
    { name: 'text', data: [...texts], type: 'STRING' as const },
    { name: 'label', data: texts.map(() => 'a'), type: 'STRING' as const },
  ];
  return new Uint8Array(
    parquetWriteBuffer({ columnData, codec, rowGroupSize: [500, 6500], pageSize: 2 ** 18 }),
  );
}

/** Name → how it writes texts. */
const WRITERS: Readonly<Record<string, (texts: readonly string[]) => string | Uint8Array>> = {
  'lines.jsonl': (texts) =>
    records(texts)
      .map((one) => `${JSON.stringify(one)}\n`)
      .join(''),
  'array.json': (texts) => JSON.stringify(records(texts)),
  'indented.JSON': (texts) => `\uFEFF${JSON.stringify(records(texts), null, 2)}\n`,
  'strings.json': (texts) => JSON.stringify(texts),
  'commas.csv': (texts) => ['id,text,more', ...texts.map(row(','))].join('\n'),
  'semicolons.csv': (texts) => ['\uFEFF"id, no";"text";more', ...texts.map(row(';'))].join('\r\n'),
  'tabs.Tsv': (texts) => `${['id\ttext\tmore', ...texts.map(row('\t'))].join('\n')}\n`,
  'table.parquet': (texts) => parquetOf(texts),
  'plain.Parquet': (texts) => parquetOf(texts, 'UNCOMPRESSED'),
};

const isPackable = (name: string) => !/parquet/i.test(name);

/** All formats, by .gz and .zst too, with the same texts. @returns the names */
function writeAll(folder: string, texts: readonly string[]): string[] {
  mkdirSync(folder, { recursive: true });
  for (const [name, write] of Object.entries(WRITERS)) {
    const content = write(texts);
    writeFileSync(join(folder, name), content);
    if (!isPackable(name)) continue;
    writeFileSync(join(folder, `${name}.gz`), zlib.gzipSync(content));
    writeFileSync(join(folder, `${name}.ZST`), zlib.zstdCompressSync(content));
  }
  return readdirSync(folder);
}

const source = (file: string, more: Partial<CorpusSource> = {}): CorpusSource => ({
  files: [file],
  documents: 'file',
  textField: 'text',
  ...more,
});

/** The documents of a file, its bad records by number, and how many chunks it has. */
async function readAll(folder: string, name: string, more: Partial<CorpusSource> = {}) {
  const [file] = await listCorpus([source(name, more)], folder);
  const [texts, bad]: [string[], string[]] = [[], []];
  let [chunks, numRecords] = [0, 0];
  for await (const chunk of readChunks([file])) {
    const found = await documentsOf(chunk, file);
    texts.push(...found.texts);
    bad.push(...found.bad.map(({ number, problem }) => `${numRecords + number} ${problem}`));
    numRecords += found.numRecords;
    chunks++;
  }
  return { texts, bad, chunks, file };
}

const errorOf = async (t: ExecutionContext, work: Promise<unknown>) =>
  (await t.throwsAsync(work)) as CalmError;

test('the same texts are the same ids in every format and compression, here and on threads', async (t) => {
  const folder = temporaryFolder(t);
  const names = writeAll(folder, TEXTS);
  copyFileSync(join(FIXTURES, 'many.jsonl.bz2'), join(folder, 'many.jsonl.bz2'));
  const idsOf = async (name: string, sizeBytes: number) => {
    const [file] = await listCorpus([source(name)], folder);
    const hash = createHash('sha256');
    const workers = new CorpusWorkers([{ ...file, sizeBytes }], new AbortController().signal);
    let documents = 0;
    for await (const { result } of workers.encode(new ByteTokenizer(), CORPUS_START)) {
      hash.update(result.ids);
      documents += result.numTokens.length;
    }
    return `${documents} ${hash.digest('hex')}`;
  };
  const expected = await idsOf('lines.jsonl', 0);
  t.regex(expected, /^7000 /);
  for (const name of [...names, 'many.jsonl.bz2']) {
    t.is(await idsOf(name, 0), expected, name);
    // Threads are for a corpus of more than four million bytes, as it is told. They take long to start.
    if (!/\.(gz|zst)$/i.test(name)) t.is(await idsOf(name, 5 * 2 ** 20), expected, `${name} on threads`);
  }
});

test('a reader of every format that begins where a chunk ends sees the same chunks', async (t) => {
  const folder = temporaryFolder(t);
  writeAll(folder, TEXTS);
  copyFileSync(join(FIXTURES, 'many.jsonl.bz2'), join(folder, 'many.jsonl.bz2'));
  for (const name of [...Object.keys(WRITERS), 'commas.csv.ZST', 'many.jsonl.bz2']) {
    const [file] = await listCorpus([source(name)], folder);
    const hashed = async (from = CORPUS_START) => {
      const found: string[] = [];
      for await (const chunk of readChunks([file], from)) {
        const bytes = 'bytes' in chunk ? createHash('sha1').update(chunk.bytes).digest('hex') : '';
        found.push(JSON.stringify([chunk.begin, chunk.end, bytes]));
      }
      return found;
    };
    const chunks = await hashed();
    t.true(chunks.length > 2, name);
    for (const [i, chunk] of chunks.entries())
      t.deepEqual(await hashed(JSON.parse(chunk)[1]), chunks.slice(i + 1), `${name} after chunk ${i}`);
  }
});

test('tokenizing of every format is stopped and resumed to the same bytes', async (t) => {
  const folder = temporaryFolder(t);
  writeAll(join(folder, 'corpus'), TEXTS);
  const names = ['array.json', 'commas.csv.ZST', 'tabs.Tsv', 'table.parquet'];
  const config = { corpus: names.map((name) => join(folder, 'corpus', name)), tokenizer: 'bytes' };
  const whole = await tokenize(join(folder, 'whole'), config);
  const stopped = join(folder, 'stopped');
  // In each of the files.
  for (const stopAfter of [2, 3, 3, 3])
    await t.throwsAsync(tokenize(stopped, { ...config, stopAfter }), { name: 'AbortError' });
  const { notes, chunks } = await tokenize(stopped, config);
  t.regex(notes[0], /after \d+ documents/);
  t.is(chunks, whole.chunks - 11);
  t.deepEqual(filesOf(stopped), filesOf(join(folder, 'whole')));
});

test('files of other writers: bzip2, and Parquet in its encodings and compressions', async (t) => {
  const few = oddTexts(60);
  for (const name of readdirSync(FIXTURES).filter((one) => /^few|parquet$/.test(one))) {
    const { texts, bad, file } = await readAll(FIXTURES, name);
    t.is(file.compression, name.startsWith('few') ? 'bzip2' : undefined);
    const expected = name.startsWith('no-rows')
      ? []
      : name.startsWith('few.txt')
        ? [few[0].replace('\r', '')]
        : few;
    t.deepEqual(texts, expected, name);
    t.deepEqual(bad, []);
  }
});

test('zstd: frames in a row, frames to be passed over, large windows, and pieces of any size', async (t) => {
  const [one, two] = ['alpha '.repeat(40_000), 'beta'].map((text) => zlib.zstdCompressSync(text));
  const skipped = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('abc')]);
  const checked = zlib.zstdCompressSync('gamma', { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } });
  const window = zlib.zstdCompressSync('delta', { params: { [zlib.constants.ZSTD_c_windowLog]: 30 } });
  const packed = Buffer.concat([skipped, one, skipped, two, checked, window, zlib.zstdCompressSync('')]);
  const unpacked = async (bytes: Buffer, size: number) => {
    const stream = new ZstdFrames(1000);
    const pieces: Buffer[] = [];
    const writing = (async () => {
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      stream.end();
    })();
    for await (const piece of stream) pieces.push(piece);
    await writing;
    return Buffer.concat(pieces).toString();
  };
  for (const size of [1, 7, 2 ** 20])
    t.is(await unpacked(packed, size), `${'alpha '.repeat(40_000)}betagammadelta`, `${size}`);
  t.is(await unpacked(Buffer.alloc(0), 1), '');
  for (const length of [3, 10, one.length + skipped.length + 2, packed.length - 1])
    await t.throwsAsync(unpacked(packed.subarray(0, length), 5), { message: /in the middle of a frame/ });
  await t.throwsAsync(unpacked(Buffer.concat([two, Buffer.from('junk junk')]), 4), {
    message: /Unknown frame/,
  });
});

test('a column that is not there is an error that lists those that are', async (t) => {
  const folder = temporaryFolder(t);
  writeAll(folder, oddTexts(5));
  for (const name of ['commas.csv', 'tabs.Tsv.gz', 'table.parquet']) {
    const error = await errorOf(t, readAll(folder, name, { textField: 'body' }));
    t.is(error.code, 'CALM_CORPUS_COLUMN');
    t.regex(error.message, /"body" with text\. Its columns are id( \(INT32\))?, text, (more|label)\.$/);
    t.regex(error.message, new RegExp(name));
  }
  mkdirSync(join(folder, 'mixed'));
  for (const name of ['commas.csv', 'table.parquet', 'lines.jsonl'])
    copyFileSync(join(folder, name), join(folder, 'mixed', name));
  const warnings: string[] = [];
  const mixed = [source('mixed', { textField: 'body' })];
  const files = await listCorpus(mixed, folder, (said) => warnings.push(said));
  t.deepEqual(
    files.map(({ format }) => format),
    ['json-lines'],
  );
  t.regex(
    warnings.join(),
    /commas\.csv has no column "body", table\.parquet has no column "body" with text$/,
  );
  const nested = await errorOf(t, readAll(FIXTURES, 'gzip.parquet', { textField: 'messages' }));
  t.regex(
    nested.message,
    /"messages" with text\. Its columns are id \(INT64\), messages \(nested\), text\.$/,
  );
});

test('records that can’t be used are told by number, and the others are taken', async (t) => {
  const folder = temporaryFolder(t);
  const bytes = (...parts: (string | number)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  write('a.csv', bytes('id,text\n1,caf', 0xe9, '\n2,"b, b"\n3\n\n4,d "d" d\n5,f, f\n6,"e",,'));
  write('a.json', bytes('[{"text":"a"}, 5, {"text": nul}, {"text":"caf', 0xe9, '"}, {"id":1}, "b"]'));
  write('a.parquet', parquetOf(['a', null, 'b']));
  write('open.csv', 'text\na\n"b\nc\n');
  t.like(await readAll(folder, 'a.csv'), {
    texts: ['b, b', 'd "d" d', 'e'],
    bad: ['1 is not UTF-8', '3 has 1 fields, and the header has 2', '5 has 3 fields, and the header has 2'],
  });
  const { texts, bad } = await readAll(folder, 'a.json');
  t.deepEqual(texts, ['a', 'b']);
  t.deepEqual(
    bad.map((one) => one.replace(/ \(.*/, '')),
    [
      '2 has no text in a field "text"; it is not an object',
      '3 is not valid JSON',
      '4 is not UTF-8',
      '5 has no text in a field "text"; its fields are "id"',
    ],
  );
  t.like(await readAll(folder, 'a.parquet'), { texts: ['a', 'b'], bad: ['2 has no text: it is null'] });
  const open = await readAll(folder, 'open.csv');
  t.deepEqual(open.texts, ['a']);
  t.regex(open.bad.join(), /^2 can't be parsed: .*[Qq]uote/);
});

test('files that are cut short or damaged are named', async (t) => {
  const folder = temporaryFolder(t);
  writeAll(folder, TEXTS.slice(0, 4000));
  copyFileSync(join(FIXTURES, 'many.jsonl.bz2'), join(folder, 'many.jsonl.bz2'));
  for (const name of ['array.json', 'table.parquet', 'lines.jsonl.ZST', 'lines.jsonl.gz', 'many.jsonl.bz2']) {
    const whole = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), whole.subarray(0, whole.length * 0.7));
    const error = await errorOf(t, readAll(folder, name));
    t.is(error.code, 'CALM_CORPUS_FILE', name);
    t.regex(error.message, new RegExp(`${name} can't be read: `));
  }
  // In a page, which threads unpack.
  const table = Buffer.from(WRITERS['table.parquet'](TEXTS));
  writeFileSync(join(folder, 'table.parquet'), table.fill(0xff, 60_000, 61_000));
  const [file] = await listCorpus([source('table.parquet')], folder);
  for (const sizeBytes of [0, 5 * 2 ** 20]) {
    const workers = new CorpusWorkers([{ ...file, sizeBytes }], new AbortController().signal);
    const work = async () => {
      for await (const _ of workers.encode(new ByteTokenizer(), CORPUS_START));
    };
    const error = await errorOf(t, work());
    t.is(error.code, 'CALM_CORPUS_FILE');
    t.regex(error.message, /table\.parquet can't be read: /);
    t.regex(error.hint ?? '', /damaged/);
  }
  writeFileSync(join(folder, 'more.json'), '["a"] "b"');
  t.regex((await errorOf(t, readAll(folder, 'more.json'))).message, /something follows the end/);
});

test('tables without a header, with other separators, or in which quotes are letters', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.csv'), '1|"one\n2|two"\n');
  writeFileSync(join(folder, 'b.csv'), 'n,text\r\n1,"a\r\nb"\r\n');
  writeFileSync(join(folder, 'empty.csv'), '');
  const options = { delimiter: '|', quote: false, columns: ['n', 'text'] };
  t.like(await readAll(folder, 'a.csv', { options }), { texts: ['"one', 'two"'], bad: [] });
  t.deepEqual((await readAll(folder, 'b.csv')).texts, ['a\r\nb']);
  t.deepEqual((await readAll(folder, 'empty.csv')).texts, []);
  const wrong = await errorOf(t, readAll(folder, 'a.csv', { options: { delimiter: '||' } }));
  t.is(wrong.code, 'CALM_CORPUS_OPTIONS');
  t.regex(wrong.message, /delimiter: it must be one character/);
});

test('a tree of sources is read as text where its source says so, without what is none', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'src/data'), { recursive: true });
  const files = {
    'a.py': 'a = 1',
    'b.md': '# b',
    'package.json': '{\n}',
    'data/c.csv': 'x,y',
    'data/d.jsonl': '{}',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'src', name), content);
  writeFileSync(join(folder, 'src/logo.png'), Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'));
  const warnings: string[] = [];
  const found = await listCorpus([source('src', { format: 'text' })], folder, (said) => warnings.push(said));
  t.deepEqual(found.map(({ path }) => path.slice(folder.length + 5)).sort(), Object.keys(files).sort());
  t.deepEqual(warnings, ["src: passed over, because it can't be read: logo.png is not text"]);
});

test('calm init finds tables of texts, the column that holds them, and leaves tables of numbers aside', async (t) => {
  const folder = temporaryFolder(t);
  const review = (i: number) => `a review of so many words that it is one: number ${i}`;
  const table = (rows: readonly string[]) => rows.join('\n');
  const reviews = Array.from({ length: 30 }, (_, i) => review(i));
  writeFileSync(join(folder, 'a.csv'), table(['id,review', ...reviews.map((text, i) => `${i},${text}`)]));
  writeFileSync(join(folder, 'b.csv'), table(['x,y', '1,2', '3,4']));
  writeFileSync(join(folder, 'c.json'), JSON.stringify(reviews.map((body) => ({ title: 'short', body }))));
  writeFileSync(join(folder, 'd.json'), '[1, 2, 3]');
  const columnData = [
    { name: 'label', data: reviews.map((_, i) => i), type: 'INT32' as const },
    { name: 'content', data: reviews, type: 'STRING' as const },
  ];
  writeFileSync(join(folder, 'e.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));
  writeFileSync(join(folder, 'f.txt.zst'), zlib.zstdCompressSync(oddText(3)));
  const { texts, aside, unread } = await findTexts(folder);
  t.deepEqual(
    texts.map(({ format, textField }) => `${format} ${textField}`),
    ['csv review', 'json-array body', 'parquet content', 'text text'],
  );
  t.deepEqual([aside.length, unread], [2, []]);
  const { documents, broken, numBad } = await countTexts(texts);
  t.deepEqual({ documents, broken, numBad }, { documents: 91, broken: [], numBad: 0 });
});
