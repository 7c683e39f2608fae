import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { LOCK_TIMES, type Lock, lockOwner, takeLock, waitForLock } from '../src/process-lock.ts';
import { temporaryFolder } from './helpers/temporary.ts';

/** Takes a lock that must be free; it is let go when the test is over. */
function taken(t: ExecutionContext, attempt: ReturnType<typeof takeLock>): Lock {
  if ('owner' in attempt) throw new Error(`held by ${attempt.owner.pid} on ${attempt.owner.host}`);
  t.teardown(attempt.lock.release);
  return attempt.lock;
}

const refusedBy = (attempt: ReturnType<typeof takeLock>) => ('owner' in attempt ? attempt.owner : undefined);

/** Makes a file look as if it had been written so long ago, by this machine's clock. */
function age(file: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(file, then, then);
}

test(
  'a lock is taken once; that of a dead process, or of one that only has the same number, is ' + 'taken over',
  (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'lock');
    const lock = taken(t, takeLock(file));
    t.regex(readFileSync(file, 'utf8'), new RegExp(`^${process.pid} \\d* ${hostname()} .*\\n$`));
    t.deepEqual(readdirSync(folder), ['lock']);
    t.is(refusedBy(takeLock(file))?.pid, process.pid, 'not twice, by the same process either');
    lock.release();
    t.deepEqual(readdirSync(folder), []);

    const other = spawn('sleep', ['60']);
    t.teardown(() => other.kill());
    const held = (text: string) => {
      writeFileSync(file, text);
      return lockOwner(file)?.pid;
    };
    t.is(held(`${other.pid}`), other.pid, 'a lock of an older calm');
    t.is(refusedBy(takeLock(file))?.pid, other.pid);
    if (existsSync('/proc/self/stat'))
      t.is(held(`${other.pid} 1 ${hostname()}`), undefined, 'its number went to another process');
    t.is(held(`${process.pid} 1 ${hostname()}`), undefined, 'this process has not taken it');
    t.is(held('999999999 5 '), undefined);
    t.is(taken(t, takeLock(file)).takenFrom, undefined, 'a dead process here is nothing to tell');
  },
);

test(
  'a lock of another machine or container stands while its heart beats, and is taken over when it ' +
    'is silent',
  (t) => {
    const file = join(temporaryFolder(t), 'lock');
    for (const text of [
      '1 1 elsewhere',
      `1 1 elsewhere boot-1/pid:[4]\n`,
      `1 1 ${hostname()} boot-1/pid:[4]\n`,
    ]) {
      writeFileSync(file, text);
      const owner = refusedBy(takeLock(file));
      t.is(owner?.pid, 1, text);
      t.true((owner?.silentSeconds ?? 60) < 20);
      age(file, 2 * (LOCK_TIMES.staleMs / 1000));
      t.is(lockOwner(file), undefined);
      const { takenFrom, release } = taken(t, takeLock(file));
      t.is(takenFrom?.host, text.split(' ')[2].trim());
      t.true((takenFrom?.silentSeconds ?? 0) > 50);
      release();
      t.false(existsSync(file));
    }
  },
);

test('a lock whose file is empty or cut off goes by its age', (t) => {
  const file = join(temporaryFolder(t), 'lock');
  for (const text of ['', '\n', '99999999', 'garbage', '999999999 5']) {
    writeFileSync(file, text);
    t.truthy(refusedBy(takeLock(file)), JSON.stringify(text));
    age(file, 2 * (LOCK_TIMES.staleMs / 1000));
    taken(t, takeLock(file)).release();
  }
});

test.serial('a lock on a file system without hard links', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'lock');
  const { linkSync } = fs;
  const restore = () => {
    fs.linkSync = linkSync;
    syncBuiltinESMExports();
  };
  t.teardown(restore);
  fs.linkSync = () => {
    throw Object.assign(new Error('link'), { code: 'EPERM' });
  };
  syncBuiltinESMExports();
  const lock = taken(t, takeLock(file));
  t.deepEqual(readdirSync(folder), ['lock']);
  t.regex(readFileSync(file, 'utf8'), new RegExp(`^${process.pid} `));
  t.truthy(refusedBy(takeLock(file)));
  lock.release();
  writeFileSync(file, '1 1 elsewhere');
  age(file, 600);
  t.is(taken(t, takeLock(file)).takenFrom?.pid, 1);
  t.deepEqual(readdirSync(folder), ['lock']);
});

test('the owner of a lock keeps it alive, and hears of it when it is lost', async (t) => {
  const file = join(temporaryFolder(t), 'lock');
  const lock = taken(t, takeLock(file, { ...LOCK_TIMES, beatMs: 10 }));
  const text = readFileSync(file, 'utf8');
  age(file, 600);
  while (Date.now() - statSync(file).mtimeMs > 300_000) await sleep(5);
  t.is(readFileSync(file, 'utf8'), text);
  t.false(lock.lost.aborted);
  const lost = once(lock.lost, 'abort');
  writeFileSync(file, '1 1 elsewhere');
  await lost;
  lock.release();
  t.is(readFileSync(file, 'utf8'), '1 1 elsewhere', "it is the other's now");
});

test(
  'a silent lock is waited for until it is stale, whatever the clocks say; one that ' + 'beats is not',
  async (t) => {
    const file = join(temporaryFolder(t), 'lock');
    const told: number[] = [];
    const wait = (times: Partial<typeof LOCK_TIMES>) =>
      waitForLock(file, ({ pid }) => told.push(pid), { ...LOCK_TIMES, ...times });
    writeFileSync(file, '7 1 elsewhere');
    age(file, -86_400);
    const { takenFrom, release } = taken(t, await wait({ staleMs: 50, patienceMs: 20 }));
    t.is(takenFrom?.pid, 7);
    t.deepEqual(told, [7]);
    release();

    writeFileSync(file, '8 1 elsewhere');
    const heart = setInterval(() => writeFileSync(file, '8 1 elsewhere'), 5);
    t.teardown(() => clearInterval(heart));
    t.is(refusedBy(await wait({ patienceMs: 20 }))?.pid, 8);
  },
);
