import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { merged } from '../../src/server/merged.ts';

/** Counts up to a number, says when it begins and ends. */
const counting = (name: string, to: number, log: string[]) =>
  async function* count() {
    log.push(`+${name}`);
    try {
      for (let i = 0; i < to; i++) {
        await nextTurn();
        yield `${name}${i}`;
      }
    } finally {
      log.push(`-${name}`);
    }
  };

test('sources are one stream, so many at once, each in its order', async (t) => {
  const log: string[] = [];
  const found: string[] = [];
  const starts = [counting('a', 2, log), counting('b', 5, log), counting('c', 3, log)];
  for await (const item of merged(starts, 2)) found.push(item);
  for (const name of 'abc') {
    const own = found.filter((item) => item.startsWith(name));
    t.deepEqual(own, own.toSorted());
  }
  t.is(found.length, 10);
  t.deepEqual(log.slice(0, 4), ['+a', '+b', '-a', '+c']);
});

test('leaving early ends all; an error waits for a reader who is away', async (t) => {
  const log: string[] = [];
  for await (const _ of merged([counting('a', 9, log), counting('b', 9, log)], 2)) break;
  t.deepEqual(log.toSorted(), ['+a', '+b', '-a', '-b']);
  const failing = async function* fail(): AsyncGenerator<string, void, void> {
    yield 'first';
    throw new Error('broken');
  };
  const items = merged([failing], 1);
  t.is((await items.next()).value as string, 'first');
  // Node ends a process whose rejection no one has seen.
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  await t.throwsAsync(items.next(), { message: 'broken' });
});
