import { gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { recogniseFormat } from '../../../src/data/formats/recognise.ts';

/** The format (and the compression), or the problem. */
async function formatOf(name: string, contents: string | Uint8Array, wanted?: string): Promise<string> {
  const bytes = Buffer.from(contents as string);
  const found = await recogniseFormat(name, (most) => bytes.subarray(0, most), bytes.length, wanted);
  if ('problem' in found) return found.problem;
  return [found.format.name, ...(found.compression ? [found.compression.name] : [])].join(' ');
}

const LINE = '{"text":"alpha"}\n';

test('JSON lines and gzip are known by ending in any case and by content', async (t) => {
  for (const name of ['a.jsonl', 'a.JSONL', 'a.NdJson', 'a.Json', 'a.b.jsonl'])
    t.is(await formatOf(name, LINE), 'json-lines', name);
  for (const name of ['a.jsonl.gz', 'a.JSONL.GZ', 'a.jsonl', 'a.json.gzip'])
    t.is(await formatOf(name, gzipSync(LINE)), 'json-lines gzip', name);
  t.is(await formatOf('a.txt', gzipSync('prose')), 'text gzip');
  t.is(await formatOf('a', gzipSync('prose')), 'text gzip');
  t.is(await formatOf('a.txt.gz', 'unpacked on the way'), 'text');
  t.is(await formatOf('a.jsonl', ''), 'json-lines');
  t.is(await formatOf('a', ''), 'text');
  t.is(await formatOf('a.jsonl.gz', gzipSync(LINE.repeat(10_000))), 'json-lines gzip');
});

test('every format is known, by content before by name, in any compression and any case', async (t) => {
  const parquet = Buffer.from('PAR1\x15\x04', 'latin1');
  const bzip2 = Buffer.from(
    '425a683931415926535989a11058000005118040002603d80020002207a81a1003009b48cd379478bb9229c284844d0882c0',
    'hex',
  );
  for (const [name, contents, expected] of [
    ['a.csv', 'a,b\n', 'csv'],
    ['a.CSV', 'a,b\n', 'csv'],
    ['a.Tsv.GZ', gzipSync('a\tb\n'), 'csv gzip'],
    ['a.csv.zst', zstdCompressSync('a,b\n'), 'csv zstd'],
    ['a.jsonl.ZST', zstdCompressSync(LINE.repeat(100_000)), 'json-lines zstd'],
    ['a.json.zst', zstdCompressSync(`[${LINE}]`), 'json-array zstd'],
    ['a.jsonl', zstdCompressSync(LINE), 'json-lines zstd'],
    ['a.txt', bzip2, 'text bzip2'],
    ['a.bz2', bzip2, 'text bzip2'],
    ['a.parquet', parquet, 'parquet'],
    ['a.txt', parquet, 'parquet'],
    ['part-00000', parquet, 'parquet'],
    ['part-00000', LINE, 'json-lines'],
    ['part-00000', LINE.repeat(1000), 'json-lines'],
    ['a.txt', `${LINE}\n${LINE}`, 'json-lines'],
    ['a.txt', `${LINE}prose\n`, 'text'],
    ['a.txt', '{a}\n', 'text'],
    ['a.md', '# a', 'text'],
    ['a.py', '{"text": 1}', 'text'],
  ] as const)
    t.is(await formatOf(name, contents), expected, `${name} ${expected}`);
  t.is(await formatOf('a.parquet', Buffer.of(1, 0, 2)), 'is called Parquet and does not begin as such');
  t.is(await formatOf('a.gz', gzipSync(bzip2)), 'is compressed with bzip2 and then with gzip');
  t.is(
    await formatOf('a.parquet.gz', gzipSync(parquet)),
    'is parquet packed with gzip, and is read at any place',
  );
});

test('what is written like text is text, whatever its letters', async (t) => {
  for (const contents of [
    'caf\u00e9 日本語 \u{1F600}',
    '\uFEFFa\tb\r\n\f',
    '\u001b[1mlog\u001b[0m',
    'ORC and PARIS',
    'a',
  ])
    t.is(await formatOf('a.txt', contents), 'text', contents);
  t.is(await formatOf('a.md', '[link]'), 'text');
  t.is(
    await formatOf('a.txt', Buffer.from('caf\xe9', 'latin1')),
    'text',
    'that it is not UTF-8 is said of its line',
  );
});

test('formats that are not read are named by their first bytes, whatever the file is called', async (t) => {
  const formats: Record<string, string> = {
    '\xfd7zXZ\0\0': 'is compressed with xz',
    PARE: 'is an encrypted Parquet table',
    'version https://git-lfs.github.com/spec/v1\n': 'is the pointer of Git LFS to a file that is not there',
    'ARROW1\0\0': 'is an Arrow table',
    'SQLite format 3\0': 'is an SQLite database',
    '%PDF-1.7\n': 'is a PDF',
    'PK\x03\x04\x14\0': 'is a zip archive',
    [`${'\0'.repeat(257)}ustar\0`]: 'is a tar archive',
    '\xff\xfea\0': 'is UTF-16 and not UTF-8',
    '\xfe\xff\0a': 'is UTF-16 and not UTF-8',
    '\xff\xfe\0\0a\0\0\0': 'is UTF-32 and not UTF-8',
    't\0e\0x\0t\0': 'is UTF-16LE and not UTF-8',
    '\x7fELF\x02\x01\x01\0\0\0': 'is not text',
    '\x89PNG\r\n\x1a\n\0\0\0\rIHDR': 'is not text',
    'text with a \0 in it': 'is not text',
  };
  for (const [bytes, problem] of Object.entries(formats))
    for (const name of ['a', 'a.txt', 'a.jsonl']) {
      const contents = Buffer.from(bytes, 'latin1');
      t.is(await formatOf(name, contents), problem, `${problem} in ${name}`);
      t.is(await formatOf(`${name}.gz`, gzipSync(contents)), problem, `${problem} in ${name}.gz`);
    }
  t.is(await formatOf('a.DOCX', 'PK\x03\x04'), 'is a Word document');
  t.is(await formatOf('a.gz', gzipSync(gzipSync('a'))), 'is compressed with gzip twice');
});

test('… and by their endings in any case', async (t) => {
  for (const [name, problem] of [
    ['a.xz', 'is compressed with xz'],
    ['a.zip', 'is a zip archive'],
    ['a.pdf', 'is a PDF'],
    ['a.docx', 'is a Word document'],
    ['a.sqlite', 'is an SQLite database'],
  ])
    t.is(await formatOf(name, 'a,b\n'), problem, name);
});

test('JSON that is one value is told from JSON lines', async (t) => {
  const [array, object] = [/^json-array/, /is one JSON object over several lines/];
  const records = [{ text: 'a' }, { text: 'b' }];
  for (const name of ['a.json', 'a.JSON', 'a.jsonl', 'a.json.gz']) {
    t.regex(await formatOf(name, JSON.stringify(records)), array);
    t.regex(await formatOf(name, JSON.stringify(records, null, 2)), array);
    t.regex(await formatOf(name, JSON.stringify(Array(5000).fill(records[0]))), array);
    t.regex(await formatOf(name, JSON.stringify({ data: records }, null, 2)), object);
    t.regex(await formatOf(name, '{"text":\n"a"}'), object);
    t.regex(await formatOf(name, '[1]\n[2]\n'), /^json-lines/);
    t.is(await formatOf(name, `\uFEFF${LINE}${LINE}`), 'json-lines');
    t.is(await formatOf(name, LINE.trim()), 'json-lines');
    // A line that is wrong is for the reader to say.
    t.is(await formatOf(name, `{"text": "a"\n${LINE}`), 'json-lines');
    t.is(await formatOf(name, `${LINE.trim()},\n${LINE}`), 'json-lines');
  }
});

test('the way out names the file, and a shell can take it', async (t) => {
  const object = Buffer.from('{\n}');
  const found = await recogniseFormat("it's.json", () => object, object.length);
  t.like(found, { advice: `Convert it: jq -c '.' 'it'\\''s.json' > corpus.jsonl` });
});

test('a format that the configuration names is taken, where the file does not rule it out', async (t) => {
  t.is(await formatOf('a.csv', 'a,b\n', 'text'), 'text');
  t.is(await formatOf('a.csv', gzipSync('a,b\n'), 'text'), 'text gzip');
  t.is(await formatOf('a.txt', LINE, 'json-lines'), 'json-lines');
  const error = await t.throwsAsync(formatOf('a.txt', LINE, 'json-line'));
  t.like(error, { code: 'CALM_CORPUS_FORMAT_UNKNOWN' });
  t.regex(error?.message ?? '', /Did you mean "json-lines"/);
});
