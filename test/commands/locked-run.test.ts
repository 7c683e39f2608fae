import { spawn } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

test('a run takes over the silent lock of another machine, and says so', async (t) => {
  t.timeout(60_000);
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  t.is((await calm(['run', config, '--until', 'tokenize'], folder)).code, 0);
  const lock = join(folder, 'runs/tiny/.lock');
  writeFileSync(lock, '12345 678 old-container');
  const then = Date.now() / 1000 - 600;
  utimesSync(lock, then, then);
  const { code, stderr } = await calm(['run', config, '--until', 'tokenize'], folder);
  t.is(code, 0);
  t.regex(stderr, /process 12345 on old-container, last heard of 6\d\d s ago, is stale and was taken over/);
  t.false(existsSync(lock));
});

test('a second calm on the same run waits, then says who is at work', async (t) => {
  t.timeout(60_000);
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  t.is((await calm(['run', config, '--until', 'tokenize'], folder)).code, 0);
  const other = spawn('sleep', ['60']);
  t.teardown(() => other.kill());
  writeFileSync(join(folder, 'runs/tiny/.lock'), String(other.pid));
  const refused = await calm(['run', config, '--until', 'tokenize'], folder);
  t.is(refused.code, 1);
  t.regex(refused.stderr, new RegExp(`CALM_RUN_LOCKED[\\s\\S]*process ${other.pid} on [\\s\\S]*\\.lock`));
});
