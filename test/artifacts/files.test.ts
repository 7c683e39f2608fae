import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { linkFile, linkWeights } from '../../src/artifacts/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('a file is linked, and through symbolic links the file that they lead to', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'far/away'), { recursive: true });
  writeFileSync(join(folder, 'blob'), 'weights');
  symlinkSync('../../blob', join(folder, 'far/away/relative'));
  symlinkSync(join(folder, 'far/away/relative'), join(folder, 'absolute'));
  for (const name of ['blob', 'far/away/relative', 'absolute']) {
    const to = join(folder, 'new', name);
    await linkFile(join(folder, name), to);
    t.true(lstatSync(to).isFile());
    t.is(statSync(to).ino, statSync(join(folder, 'blob')).ino, 'no second copy is made');
  }
  rmSync(join(folder, 'blob'));
  t.is(readFileSync(join(folder, 'new/absolute'), 'utf8'), 'weights');
  await t.throwsAsync(linkFile(join(folder, 'absolute'), join(folder, 'new/gone')), { code: 'ENOENT' });
});

test(
  'where no link can be made, a copy takes the place of what was there, whole or ' + 'not at all',
  async (t) => {
    const folder = temporaryFolder(t);
    const path = (name: string) => join(folder, name);
    writeFileSync(path('from'), 'new');
    writeFileSync(path('to'), 'old');
    linkSync(path('to'), path('other name'));
    await linkFile(path('from'), path('to'));
    t.is(readFileSync(path('to'), 'utf8'), 'new');
    t.is(readFileSync(path('other name'), 'utf8'), 'old', 'other names of the old file keep it');
    mkdirSync(path('folder'));
    await t.throwsAsync(linkFile(path('folder'), path('to')));
    t.is(readFileSync(path('to'), 'utf8'), 'new');
    t.deepEqual(readdirSync(folder).sort(), ['folder', 'from', 'other name', 'to']);
  },
);

test('weights of a snapshot of links, in one file or in shards, stand alone', async (t) => {
  const folder = temporaryFolder(t);
  const [blobs, snapshot] = [join(folder, 'blobs'), join(folder, 'snapshots/abc')];
  for (const directory of [blobs, snapshot]) mkdirSync(directory, { recursive: true });
  const index = JSON.stringify({ weight_map: { a: '1.safetensors', b: '2.safetensors' } });
  const files = { 'model.safetensors.index.json': index, '1.safetensors': 'one', '2.safetensors': 'two' };
  for (const [i, [name, contents]] of Object.entries(files).entries()) {
    writeFileSync(join(blobs, String(i)), contents);
    symlinkSync(`../../blobs/${i}`, join(snapshot, name));
  }
  await linkWeights(snapshot, join(folder, 'model'));
  rmSync(blobs, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    t.true(lstatSync(join(folder, 'model', name)).isFile());
    t.is(readFileSync(join(folder, 'model', name), 'utf8'), contents);
  }
});
