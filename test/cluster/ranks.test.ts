import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { makeReady, Watch } from '../../src/cluster/index.ts';
import { placeOf } from '../../src/cluster/ranks.ts';
import { watchTimes } from '../../src/cluster/watch.ts';
import { configNotFound } from '../../src/errors.ts';
import { ranksInMemory } from '../helpers/ranks-in-memory.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('a rank is known by the variables of Open MPI, MPICH and Slurm', (t) => {
  t.deepEqual(placeOf({ OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4' }), { rank: 2, size: 4 });
  t.deepEqual(placeOf({ PMI_RANK: '0', PMI_SIZE: '3' }), { rank: 0, size: 3 });
  t.deepEqual(placeOf({ PMIX_RANK: '1', SLURM_STEP_NUM_TASKS: '2' }), { rank: 1, size: 2 });
});

test('a process without others is alone, in a script of Slurm too', (t) => {
  t.is(placeOf({}), undefined);
  t.is(placeOf({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' }), undefined);
  t.is(placeOf({ SLURM_NTASKS: '4', SLURM_PROCID: '0' }), undefined);
});

test('tasks of srun that do not hear of one another are an error', (t) => {
  const error = t.throws(() => placeOf({ SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '2' }));
  t.regex(error.message, /2 tasks/);
});

const attempt = <T>(work: () => T): T | Error => {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
};

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await sleep(5);
  }
}

const factsOfAll = (prepare: (rank: number) => Promise<Record<string, string>>) =>
  Promise.allSettled(ranksInMemory(3).map((cluster) => makeReady(cluster, () => prepare(cluster.rank))));

const reasons = (settled: readonly PromiseSettledResult<void>[]) =>
  settled.map((each) => (each.status === 'rejected' ? String(each.reason.message) : ''));

test('ranks that say the same go on; one that says something else is named on all', async (t) => {
  t.deepEqual(reasons(await factsOfAll(async () => ({ calm: '1' }))), ['', '', '']);
  const told = reasons(await factsOfAll(async (rank) => ({ calm: rank === 2 ? '2' : '1' })));
  for (const message of told) t.regex(message, /^Rank 2 on .+ has calm 2, and the first rank 1\.$/);
  const more = reasons(
    await factsOfAll(
      async (rank): Promise<Record<string, string>> => (rank === 1 ? { precision: 'bf16' } : {}),
    ),
  );
  for (const message of more)
    t.regex(message, /^Rank 1 on .+ has precision bf16, and the first rank none\.$/);
});

test('what a rank lacks is told before anything is done', async (t) => {
  const told = reasons(
    await factsOfAll(async (rank) => {
      if (rank === 1) throw configNotFound('/nowhere.yaml');
      return {};
    }),
  );
  t.regex(told[0], /^Rank 1 on .+ can't begin: .*nowhere\.yaml/);
  t.regex(told[1], /^There is no configuration/);
});

test('a rank without a sign of life, and one that comes no further, are told', async (t) => {
  const folder = temporaryFolder(t);
  const watch = new Watch(folder, 0, { beatMs: 10, silentMs: 100, deadlineMs: 300 });
  t.teardown(() => watch.end());
  const beat = (text: string) => writeFileSync(join(folder, 'rank-1.beat'), text);
  for (const turns of [1, 2, 3]) {
    beat(`${turns} ${turns}`);
    t.notThrows(() => watch.look([1]));
    await sleep(110);
  }
  t.throws(() => watch.look([1]), { code: 'CALM_RANK_DIED' });
  let error: unknown;
  for (let beats = 4; beats < 1000 && !error; beats++) {
    beat(`${beats} 3`);
    await sleep(10);
    error = attempt(() => watch.look([1]));
  }
  t.is((error as { code: string }).code, 'CALM_RANK_HANGS');
});

test('each rank says that it lives', async (t) => {
  const folder = temporaryFolder(t);
  const watch = new Watch(folder, 3, { beatMs: 10, silentMs: 100, deadlineMs: 300 });
  // Read between two writes, the file is empty.
  const read = () => {
    const text = attempt(() => readFileSync(join(folder, 'rank-3.beat'), 'utf8'));
    return /^\d+ \d+$/.test(String(text)) ? text : undefined;
  };
  const first = await until(read);
  t.not(await until(() => (read() === first ? undefined : read())), first);
  await watch.end();
  t.deepEqual(readdirSync(folder), []);
});

test('the deadline is a number of seconds', (t) => {
  t.is(watchTimes('5').deadlineMs, 5000);
  t.throws(() => watchTimes('soon'));
});
