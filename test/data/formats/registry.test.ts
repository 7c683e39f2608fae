import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { documentsOf, readChunks } from '../../../src/data/corpus-chunks.ts';
import {
  type CorpusFormat,
  type CorpusSource,
  corpusRole,
  type FileChunk,
  isOneDocument,
  listCorpus,
  registerCorpusFormat,
} from '../../../src/data/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let count = 0;

/** Registers a format of its own for one test: files that end in its name. */
function format(read: CorpusFormat['read'], more: Partial<CorpusFormat> = {}): CorpusFormat {
  const name = `test-${++count}`;
  const made = { name, summary: '', recognises: ({ ending }: { ending: string }) => ending === name, read };
  registerCorpusFormat({ ...made, ...more });
  return { ...made, ...more };
}

const chunks = (...all: readonly object[]) =>
  async function* () {
    yield* all as FileChunk[];
  };

async function textsOf(folder: string, { name }: CorpusFormat, more: Partial<CorpusSource> = {}) {
  writeFileSync(join(folder, `a.${name}`), 'something');
  const sources = [{ files: [`a.${name}`], documents: 'file', textField: 'text', ...more } as const];
  const files = await listCorpus(sources, folder);
  const texts: string[] = [];
  for await (const chunk of readChunks(files)) texts.push(...(await documentsOf(chunk, files[0])).texts);
  return { texts, file: files[0] };
}

const problemOf = async (t: ExecutionContext, work: Promise<unknown>) => {
  const { code, message } = (await t.throwsAsync(work)) as Error & { code?: string };
  return `${code} ${message}`;
};

test('what is no format, and a name that is taken, are refused', (t) => {
  const good = format(chunks());
  const attempt = (given: object) => t.throws(() => registerCorpusFormat(given as CorpusFormat));
  t.like(attempt({ ...good }), { code: 'CALM_CORPUS_FORMAT_DUPLICATE' });
  t.like(attempt({ ...good, name: 'text' }), { code: 'CALM_CORPUS_FORMAT_DUPLICATE' });
  for (const broken of [{ name: 'A b' }, { name: 'x', read: 1 }, { name: 'x', options: {} }])
    t.like(attempt({ ...good, ...broken }), { code: 'CALM_CORPUS_FORMAT_INVALID' });
  const { recognises: _, ...rest } = good;
  t.regex(attempt({ ...rest, name: 'x' })?.message ?? '', /no recognises/);
});

test('documents of a format, bytes that it parses, and a document over several chunks', async (t) => {
  const folder = temporaryFolder(t);
  const whole = format(
    chunks({ end: { offset: 3 }, documents: ['a', ' ', 'b'] }, { end: { offset: 9 }, documents: [] }),
  );
  t.deepEqual((await textsOf(folder, whole)).texts, ['a', 'b']);
  const parsing = format(chunks({ end: { offset: 9 }, bytes: Uint8Array.of(65, 66) }), {
    parse: (bytes, { file, begin, end }) => ({
      documents: [`${bytes} ${file.textField} ${begin.offset} ${end.offset}`],
    }),
  });
  t.deepEqual((await textsOf(folder, parsing)).texts, ['65,66 text 0 9']);
  const long = format(
    chunks({ end: { offset: 3, isInside: true }, documents: ['a '] }, { end: { offset: 9 }, documents: [] }),
  );
  t.deepEqual((await textsOf(folder, long)).texts, ['a ', '']);
});

test('a format that breaks its promises is named, and so is a file that it fails on', async (t) => {
  const folder = temporaryFolder(t);
  const promises: [object, RegExp][] = [
    [{ end: { offset: 0 }, documents: ['a'] }, /a chunk from 0 ends at 0/],
    [{ end: { offset: 4 }, documents: [5] }, /not a string/],
    [{ end: { offset: 4 } }, /without documents/],
    [{ end: { offset: 4 }, bytes: new Uint8Array(2) }, /no parse/],
  ];
  for (const [chunk, expected] of promises) {
    const problem = await problemOf(t, textsOf(folder, format(chunks(chunk))));
    t.regex(problem, /^CALM_CORPUS_FORMAT_INVALID "test-\d+"/);
    t.regex(problem, expected);
  }
  const failing = format(() => {
    throw new Error('no such luck');
  });
  t.regex(await problemOf(t, textsOf(folder, failing)), /^CALM_CORPUS_FILE .*a\.test-\d+.*no such luck/);
});

test(
  "options are checked by the format's schema, and with format and version are what a file is " + 'read as',
  async (t) => {
    const folder = temporaryFolder(t);
    const read = chunks({ end: { offset: 9 }, documents: ['a'] });
    const plain = format(read);
    t.regex(await problemOf(t, textsOf(folder, plain, { options: { a: 1 } })), /^CALM_CORPUS_OPTIONS .*"a"/);
    const choosy = format(read, { version: 2, options: z.strictObject({ columns: z.int().default(3) }) });
    const { file } = await textsOf(folder, choosy);
    t.deepEqual(file.options, { columns: 3 });
    t.is(corpusRole(file), `${choosy.name} file text v2 {"columns":3}`);
    t.false(isOneDocument(file));
    const wrong = textsOf(folder, choosy, { options: { columns: 'x' } });
    t.regex(await problemOf(t, wrong), /^CALM_CORPUS_OPTIONS .*columns: /);
  },
);

test('what built-in formats are read as stays as it is, so that results stay up to date', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.txt'), 'a');
  writeFileSync(join(folder, 'a.jsonl.gz'), gzipSync('{"body": "a"}\n'));
  const source = { files: ['a.txt', 'a.jsonl.gz'], documents: 'paragraph', textField: 'body' } as const;
  t.deepEqual((await listCorpus([source], folder)).map(corpusRole), ['paragraph', 'json-line body']);
});

test('a format that reads at any place is not read out of a compressed stream', async (t) => {
  const folder = temporaryFolder(t);
  const { name } = format(chunks(), { isRandomAccess: true });
  writeFileSync(join(folder, `a.${name}.gz`), gzipSync('something'));
  const source = { files: [`a.${name}.gz`], documents: 'file', textField: 'text' } as const;
  const error = (await t.throwsAsync(listCorpus([source], folder))) as Error & { hint?: string };
  t.regex(error.message, /packed with gzip/);
  t.regex(error.hint ?? '', /Unpack it first: gzip -dc /);
});
