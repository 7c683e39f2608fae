import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { lockOwner, takeLock } from '../src/process-lock.ts';
import { calm } from './helpers/cli.ts';
import { temporaryFolder } from './helpers/temporary.ts';
import { writeTinyProject } from './helpers/tiny.ts';

test('a lock is taken once; that of a dead process, or of one that only has the same number, is taken over', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'lock');
  t.is(takeLock(file), undefined);
  t.regex(readFileSync(file, 'utf8'), new RegExp(`^${process.pid} \\d* ${hostname()}$`));
  t.deepEqual(readdirSync(folder), ['lock']);

  const other = spawn('sleep', ['60']);
  t.teardown(() => other.kill());
  const held = (text: string) => {
    writeFileSync(file, text);
    return lockOwner(file)?.pid;
  };
  t.is(held(`${other.pid}`), other.pid, 'a lock of an older calm');
  t.is(takeLock(file)?.pid, other.pid);
  if (existsSync('/proc/self/stat'))
    t.is(held(`${other.pid} 1 ${hostname()}`), undefined, 'its number went to another process');
  t.is(held(`1 1 elsewhere`), 1, 'nothing is known of another machine');
  t.is(held('999999999 5 '), undefined);
  t.is(held('garbage'), undefined);
  t.is(takeLock(file), undefined);
  rmSync(file);
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
