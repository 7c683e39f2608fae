import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import {
  type ContinuationSampler,
  type ScoredWindow,
  type ScoringOptions,
  scoreWindow,
  scoreWindows,
} from 'calm-lm/evaluation';

const windows = Array.from({ length: 12 }, (_, i) => ({
  prefix: Int32Array.from([i]),
  target: Int32Array.from([i % 3, 1, 2, 3]),
}));

/** Two samples that depend on the prefix; every fifth window's second sample is empty. */
const samplesOf = ([i]: Int32Array) => [
  Int32Array.from([i % 2, 1, 2, 3]),
  Int32Array.from(i % 5 === 4 ? [] : [0, 1, i]),
];

/** Keeps in memory what KeptWindows keeps in a file. */
class Kept extends Map<number, ScoredWindow> {
  add(window: number, scored: ScoredWindow): void {
    this.set(window, scored);
  }
}

function options(changes: Partial<ScoringOptions> = {}): ScoringOptions {
  return {
    numSamples: 2,
    concurrency: 4,
    signal: new AbortController().signal,
    onScored: () => {},
    ...changes,
  };
}

test('as many at once as were asked for, each where it belongs whichever comes first', async (t) => {
  const alone = await Promise.all(
    windows.map((window) => scoreWindow({ sample: async (prefix) => samplesOf(prefix) }, window, 2)),
  );
  for (const concurrency of [1, 3, 50]) {
    let [running, most] = [0, 0];
    const steps: number[] = [];
    const sampler: ContinuationSampler = {
      sample: async (prefix) => {
        most = Math.max(most, ++running);
        // Later ones come first.
        await sleep(12 - prefix[0]);
        running--;
        return samplesOf(prefix);
      },
    };
    const onScored = (step: number) => steps.push(step);
    const scored = await scoreWindows(sampler, windows, new Kept(), options({ concurrency, onScored }));
    t.deepEqual(
      scored.map(({ sums }) => sums),
      alone.map(({ sums }) => sums),
    );
    t.deepEqual(
      scored.map(({ numEmpty }) => numEmpty),
      windows.map((_, i) => (i % 5 === 4 ? 1 : 0)),
    );
    t.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    t.is(most, Math.min(concurrency, 12));
  }
});

test(
  'a failure ends the others and keeps what came; the next attempt asks for exactly what is ' + 'missing',
  async (t) => {
    const kept = new Kept();
    const failing: ContinuationSampler = {
      sample: async (prefix, _, __, signal) => {
        if (prefix[0] === 6) throw new Error('window 6');
        // The last ones never come by themselves.
        if (prefix[0] > 6) await sleep(60_000, undefined, { signal: signal as AbortSignal });
        return samplesOf(prefix);
      },
    };
    await t.throwsAsync(scoreWindows(failing, windows, kept, options()), { message: 'window 6' });
    const before = [...kept.keys()].sort((a, b) => a - b);
    t.deepEqual(before, [0, 1, 2, 3, 4, 5]);
    const asked: number[] = [];
    const steps: number[] = [];
    const sampler: ContinuationSampler = {
      sample: async (prefix) => {
        asked.push(prefix[0]);
        return samplesOf(prefix);
      },
    };
    const onScored = (step: number) => steps.push(step);
    const scored = await scoreWindows(sampler, windows, kept, options({ onScored }));
    t.deepEqual(asked, [6, 7, 8, 9, 10, 11]);
    t.deepEqual(steps, [7, 8, 9, 10, 11, 12]);
    t.deepEqual(scored, await scoreWindows(sampler, windows, new Kept(), options({ concurrency: 1 })));
  },
);

test('the signal ends all of them', async (t) => {
  const stop = new AbortController();
  const kept = new Kept();
  const sampler: ContinuationSampler = {
    sample: async (prefix, _, __, signal) => {
      if (prefix[0] === 2) stop.abort(new Error('stopped'));
      if (prefix[0] > 1) await sleep(60_000, undefined, { signal: signal as AbortSignal });
      return samplesOf(prefix);
    },
  };
  await t.throwsAsync(scoreWindows(sampler, windows, kept, options({ signal: stop.signal })), {
    message: 'stopped',
  });
  t.deepEqual([...kept.keys()], [0, 1]);
});
