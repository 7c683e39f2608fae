import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ENGINE_FLAG } from '../../src/engine/names.ts';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

test('help lists the registered engines', async (t) => {
  const { stdout } = await calm(['run', '--help'], ROOT);
  t.true(stdout.replaceAll(/\s+/g, ' ').includes(ENGINE_FLAG.helpValue));
});

test('an install says what it lacks, and leaves nothing whole behind', async (t) => {
  const folder = temporaryFolder(t);
  // A PATH without g++, python3 and tar.
  const { code, stderr } = await calm(['engine', 'install', 'cpu'], folder, {
    CALM_CACHE: folder,
    PATH: folder,
  });
  t.is(code, 1);
  t.regex(stderr, process.platform === 'linux' ? /needs g\+\+[\s\S]*apt install/ : /needs Linux/);
  const { stdout } = await calm(['engine', 'list', '--json'], folder, { CALM_CACHE: folder });
  const { engines } = JSON.parse(stdout) as { engines: { name: string; version?: string }[] };
  t.is(engines.find(({ name }) => name === 'node')?.version, undefined);
});

test('an engine whose folder is there but broken is an error that says how to get it', async (t) => {
  const folder = temporaryFolder(t);
  const removed = await calm(['engine', 'remove', 'cpu'], folder, { CALM_CACHE: folder });
  t.is(removed.code, 0);
  t.regex(removed.stdout, /no engine "node"/);
  const config = join(folder, 'c.yaml');
  writeFileSync(config, 'stages:\n  tokenize: { corpus: "*.txt" }\n  train-autoencoder: { steps: 1 }\n');
  writeFileSync(join(folder, 'a.txt'), 'some text '.repeat(200));
  const { code, stderr } = await calm(['run', config, '--engine', 'node'], folder, { CALM_CACHE: folder });
  t.is(code, 1);
  t.regex(stderr, /CALM_ENGINE_UNAVAILABLE[\s\S]*calm engine install cpu/);
});
