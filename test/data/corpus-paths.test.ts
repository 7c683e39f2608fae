import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listCorpus } from '../../src/data/index.ts';
import { CalmError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** A folder with these files, each holding its own name; `a -> b` is a link. */
function folderOf(t: ExecutionContext, ...files: string[]): string {
  const folder = temporaryFolder(t);
  for (const file of files) {
    const [path, target] = file.split(' -> ');
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (target === undefined) writeFileSync(join(folder, path), path);
    else symlinkSync(target, join(folder, path));
  }
  return folder;
}

/** What patterns mean, relative to the folder, and what is said about them. */
async function found(folder: string, ...files: string[]): Promise<{ paths: string[]; warnings: string[] }> {
  const warnings: string[] = [];
  const sources = [{ files, documents: 'file' as const, textField: 'text' }];
  const list = await listCorpus(sources, folder, (message) => warnings.push(message));
  return { paths: list.map(({ path }) => relative(folder, path)), warnings };
}

const paths = async (folder: string, ...files: string[]) => (await found(folder, ...files)).paths;

async function problemOf(folder: string, ...files: string[]): Promise<string> {
  try {
    await found(folder, ...files);
    return '';
  } catch (error) {
    if (error instanceof CalmError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const ODD_NAMES = [
  'Dropbox (Personal)',
  'a[1]',
  '{x,y}',
  '!not',
  '#hash',
  'what?',
  'st*r',
  ' spaces ',
  '+(a|b)',
  '~tilde',
  'quote\'"',
  'back\\slash',
];

for (const name of ODD_NAMES) {
  test(`a path that exists is itself: ${name}`, async (t) => {
    const folder = folderOf(
      t,
      `${name}/1.txt`,
      `${name}/sub/2.txt`,
      `other/${name}.txt`,
      'a1/no.txt',
      'x/no.txt',
    );
    t.deepEqual(await paths(folder, name), [`${name}/1.txt`, `${name}/sub/2.txt`]);
    t.deepEqual(await paths(folder, `${name}/1.txt`), [`${name}/1.txt`]);
    t.deepEqual(await paths(folder, `${name}/*.txt`), [`${name}/1.txt`]);
    t.deepEqual(await paths(folder, join(folder, name, '**/*.txt')), [`${name}/1.txt`, `${name}/sub/2.txt`]);
    t.deepEqual(await paths(folder, `other/${name}.txt`), [`other/${name}.txt`]);
  });
}

test('patterns', async (t) => {
  const folder = folderOf(
    t,
    'a/1.txt',
    'a/b/2.txt',
    'a/b/3.md',
    'a/notes (1) x.txt',
    'a/.hidden/4.txt',
    'a[1]/5.txt',
  );
  t.deepEqual(await paths(folder, 'a/**/*.txt'), ['a/1.txt', 'a/b/2.txt', 'a/notes (1) x.txt']);
  t.deepEqual(await paths(folder, 'a/{1,b/2}.txt'), ['a/1.txt', 'a/b/2.txt']);
  t.deepEqual(await paths(folder, '?/b/[0-9].*'), ['a/b/2.txt', 'a/b/3.md']);
  t.deepEqual(
    await paths(folder, 'a/notes (1)*'),
    ['a/notes (1) x.txt'],
    'parentheses in a pattern are themselves',
  );
  t.deepEqual(
    await paths(folder, 'a\\[1\\]/*.txt'),
    ['a[1]/5.txt'],
    'a backslash takes the meaning of the next letter',
  );
  t.deepEqual(await paths(folder, 'a/b*/'), ['a/b/2.txt', 'a/b/3.md']);
  t.deepEqual(await paths(folder, 'a/.hidden/*'), ['a/.hidden/4.txt']);
  t.deepEqual(await paths(folder, './a/../a/1.txt'), ['a/1.txt']);
  t.regex(await problemOf(folder, ''), /^CALM_CORPUS_EMPTY/, 'nothing is not the whole folder');
  t.regex(await problemOf(folder, 'a/\0.txt'), /^CALM_FILE_MISSING/);
  t.regex(await problemOf(folder, `a/${'x'.repeat(5000)}`), /^CALM_FILE_MISSING/);
  const some = await found(folder, 'a/1.txt', 'a/*.jsonl');
  t.deepEqual(some, { paths: ['a/1.txt'], warnings: ['a/*.jsonl (corpus): no such file'] });
});

test('each file counts once, where it is named first', async (t) => {
  const folder = folderOf(t, 'b.txt', 'a.txt', 'link.txt -> a.txt', 'more -> .', 'far/c.txt');
  t.deepEqual(await paths(folder, 'b.txt', '*.txt', '**/*.txt'), ['b.txt', 'a.txt', 'far/c.txt']);
  t.deepEqual(await paths(folder, 'link.txt', 'a.txt'), ['link.txt']);
  t.deepEqual(await paths(folder, 'more/*.txt', '.'), ['more/a.txt', 'more/b.txt', 'far/c.txt']);
});

test('links of folders that lead in circles end', async (t) => {
  const folder = folderOf(
    t,
    't/1.txt',
    't/a -> .',
    't/b -> ..',
    't/s/2.txt',
    't/s/c -> ../../t',
    't/s/d -> ../s',
    't/e -> s',
  );
  t.deepEqual(await paths(folder, 't/**/*.txt'), ['t/1.txt', 't/e/2.txt']);
  t.deepEqual(await paths(folder, 't'), ['t/1.txt', 't/e/2.txt']);
  t.deepEqual(await paths(folder, 't/s/*.txt', 't/e/*.txt'), ['t/s/2.txt']);
});

test('a folder is all files below it that can be read, and what was passed over is said', async (t) => {
  const folder = folderOf(t, 'd/1.txt', 'd/s/2.jsonl', 'd/.git/config', 'd/s/.x', 'only/a.zip');
  writeFileSync(join(folder, 'd/a.pdf'), '%PDF-1.7');
  writeFileSync(join(folder, 'd/s/sheet.XLSX'), 'PK\x03\x04');
  t.deepEqual(await found(folder, 'd'), {
    paths: ['d/1.txt', 'd/s/2.jsonl'],
    warnings: ["d: passed over, because it can't be read: a.pdf is a PDF, sheet.XLSX is a spreadsheet"],
  });
  t.regex(
    await problemOf(folder, 'd/*'),
    /^CALM_CORPUS_FORMAT: \S+a\.pdf is a PDF/,
    'a pattern names its files',
  );
  t.regex(await problemOf(folder, 'd/a.pdf'), /^CALM_CORPUS_FORMAT: /);
  t.is(
    await problemOf(folder, 'only'),
    'CALM_CORPUS_FORMAT: No file in only can be read as a corpus: a.zip is a zip archive.',
  );
  mkdirSync(join(folder, 'empty'));
  t.regex(await problemOf(folder, 'empty'), /^CALM_CORPUS_EMPTY/);
});

test('what is no regular file is refused by name and not opened', async (t) => {
  const folder = folderOf(t, 'd/1.txt');
  const socket = join(folder, 'd/socket.txt');
  const server = createServer();
  await new Promise<void>((done) => server.listen(socket, done));
  t.teardown(() => server.close());
  t.regex(
    await problemOf(folder, 'd/socket.txt'),
    /^CALM_CORPUS_FORMAT: \S+socket\.txt is not a regular file/,
  );
  t.regex(await problemOf(folder, 'd/*.txt'), /socket\.txt is not a regular file/);
  t.deepEqual((await found(folder, 'd')).paths, ['d/1.txt']);
  if (existsSync('/dev/null'))
    t.regex(await problemOf(folder, '/dev/null'), /\/dev\/null is not a regular file/);
});

test('links to nothing and files that may not be read are named', async (t) => {
  const folder = folderOf(
    t,
    'd/1.txt',
    'd/gone.txt -> nowhere',
    'c/self.txt -> self.txt',
    'e/1.txt',
    'e/no.txt',
  );
  for (const pattern of ['d/gone.txt', 'd/*.txt', 'd'])
    t.regex(
      await problemOf(folder, pattern),
      /^CALM_CORPUS_FILE: \S+gone\.txt \(corpus\) is a link to nothing/,
    );
  t.regex(await problemOf(folder, 'c'), /^CALM_CORPUS_FILE: \S+self\.txt \(corpus\) is a link in a circle/);
  chmodSync(join(folder, 'e/no.txt'), 0);
  // The superuser may read everything.
  const isRefused = process.getuid?.() !== 0;
  if (isRefused)
    for (const pattern of ['e/no.txt', 'e/*', 'e'])
      t.regex(
        await problemOf(folder, pattern),
        /no\.txt \(corpus\) can't be read, because you have no permission/,
      );
  t.is(await problemOf(folder, 'e/1.txt'), '');
});

test.serial('~ is the home folder, and a file called ~ is ./~', async (t) => {
  const folder = folderOf(t, '~', 'home/x.txt', 'home/y.txt', '~x.txt');
  const before = process.env.HOME;
  t.teardown(() => {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  });
  process.env.HOME = join(folder, 'home');
  t.deepEqual(await paths(folder, '~/x.txt'), ['home/x.txt']);
  t.deepEqual(await paths(folder, '~/*.txt'), ['home/x.txt', 'home/y.txt']);
  t.deepEqual(await paths(folder, '~'), ['home/x.txt', 'home/y.txt']);
  t.deepEqual(await paths(folder, './~', '~x.txt'), ['~', '~x.txt']);
  t.regex(await problemOf(folder, '~/no.txt'), /^CALM_FILE_MISSING: \S+home\/no\.txt/);
  process.env.HOME = '';
  t.regex(await problemOf(folder, '~/x.txt'), /^CALM_HOME_UNKNOWN: ~\/x\.txt/);
});
