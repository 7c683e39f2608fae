import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { eachWhenReady } from '../../src/pipeline/at-once.ts';
import type { PlannedStage } from '../../src/pipeline/index.ts';

/** Stages by what they need: a, then b and c, then d of both. */
const STAGES = Object.entries({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }).map(
  ([id, needed]) =>
    ({
      node: { id, inputs: Object.fromEntries(needed.map((other) => [other, { type: 'stage', id: other }])) },
    }) as unknown as PlannedStage,
);

/** What happens, in order: "+b" where b begins, "-b" where it ends. */
async function happenings(count: number, failing?: string, signal = new AbortController().signal) {
  const said: string[] = [];
  const result = await eachWhenReady(STAGES, count, signal, async ({ node: { id } }, stopped) => {
    said.push(`+${id}`);
    await sleep(id === 'b' ? 10 : 30);
    if (id === failing) throw new Error(`${id} fails`);
    said.push(stopped.aborted ? `!${id}` : `-${id}`);
  }).catch((error: Error) => error.message);
  return { said: said.join(' '), result };
}

test('one at a time keeps the order of the plan', async (t) => {
  t.deepEqual(await happenings(1), { said: '+a -a +b -b +c -c +d -d', result: undefined });
});

test('those that do not need one another are at work at once', async (t) => {
  t.deepEqual(await happenings(2), { said: '+a -a +b +c -b -c +d -d', result: undefined });
  t.deepEqual(await happenings(9), await happenings(2));
});

test('a failure stops the others and begins no more', async (t) => {
  t.deepEqual(await happenings(2, 'b'), { said: '+a -a +b +c !c', result: 'b fails' });
});

test('after a signal nothing begins', async (t) => {
  const { said } = await happenings(2, undefined, AbortSignal.abort(new Error('stopped')));
  t.is(said, '');
});
