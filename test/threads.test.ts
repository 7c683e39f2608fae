import { availableParallelism } from 'node:os';
import test from 'ava';
import { numThreads } from '../src/threads.ts';

test('CALM_THREADS is a number of threads, or an error', (t) => {
  t.teardown(() => {
    delete process.env.CALM_THREADS;
  });
  for (const [given, expected] of [
    ['1', 1],
    [' 3 ', 3],
    ['', availableParallelism()],
  ] as const) {
    process.env.CALM_THREADS = given;
    t.is(numThreads(), expected);
  }
  for (const given of ['0', '-1', '2.5', '1e9', 'x', '99999999999']) {
    process.env.CALM_THREADS = given;
    const error = t.throws(numThreads, { code: 'CALM_THREADS' });
    t.true(error?.message.includes(given));
  }
});
