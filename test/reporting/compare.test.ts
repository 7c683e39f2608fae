import test from 'ava';
import { CalmError } from '../../src/errors.ts';
import { compare, formatComparison } from '../../src/reporting/index.ts';
import type { Run } from '../../src/runs/index.ts';
import { type FakeStage, fakeRun, sweepOf } from '../helpers/report-run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const LABELS = {
  'score.value': {
    label: 'score',
    better: 'higher',
    isHeadline: true,
    references: [{ label: 'chance', value: 'floor' }],
  },
  loss: { label: 'loss of the model', better: 'lower' },
  share: { label: 'share', better: 'higher', isShare: true },
  floor: { label: 'score, by chance', better: 'higher' },
};

interface Fake {
  readonly config?: Record<string, unknown>;
  readonly seed?: number;
  readonly score?: number | null;
  readonly interval?: readonly [number, number];
  readonly more?: Record<string, unknown>;
  readonly manifest?: Record<string, unknown>;
  readonly extra?: Record<string, FakeStage>;
}

/** A run of one stage whose config, seed and score are given. */
function runOf(folder: string, name: string, fake: Fake = {}): Promise<Run> {
  const { config = {}, seed = 1, score = 1, interval, more, manifest, extra } = fake;
  const metrics = {
    ...(score === undefined
      ? {}
      : { score: { value: score, ...(interval ? { interval: { value: interval } } : {}) } }),
    ...more,
  };
  const fingerprint = JSON.stringify([config, seed, name]);
  const own = { config, seed, labels: LABELS, fingerprint, ...manifest };
  return fakeRun(folder, { train: { base: 'train', metrics, manifest: own }, ...extra }, { name });
}

const rowOf = ({ results }: ReturnType<typeof compare>, label: string) =>
  results.find((result) => result.label === label);

test('what differs is listed key by key, nested ones by their paths, and nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const head = (numSamples: number) => ({ name: 'energy', numSamples });
  const a = await runOf(folder, 'a', { config: { steps: 10, head: head(4), list: [1, 2] } });
  const b = await runOf(folder, 'b', { config: { steps: 10, head: head(8), list: [1, 3], only: 'here' } });
  const { columns, differences } = compare([a, b]);
  t.deepEqual(
    columns.map(({ name }) => name),
    ['a', 'b'],
  );
  t.deepEqual(differences, [
    { key: 'train.head.numSamples', values: ['4', '8'] },
    { key: 'train.list', values: ['[1,2]', '[1,3]'] },
    { key: 'train.only', values: [undefined, '"here"'.slice(1, -1)] },
  ]);
});

test('so are the contents of a corpus, versions, and stages that one run has not', async (t) => {
  const folder = temporaryFolder(t);
  const source = (sha256: string) => ({ sources: [{ path: 'a', bytes: 1, modifiedMs: 0, sha256 }] });
  const later = { later: { base: 'later', manifest: { config: { depth: 2 } } } };
  const versions = { calm: '0.2.0', node: '22.0.0', engine: 'wasm' };
  const a = await runOf(folder, 'a', { manifest: source('aa') });
  const b = await runOf(folder, 'b', { manifest: { ...source('bb'), versions }, extra: later });
  const { differences } = compare([a, b]);
  t.deepEqual(
    differences.map(({ key }) => key),
    ['train: files', 'later', 'seed', 'engine', 'calm'],
  );
  t.deepEqual(differences[1].values, [undefined, 'yes']);
});

test('the better one is marked by the direction that its measure has; overlap is said', async (t) => {
  const folder = temporaryFolder(t);
  const a = await runOf(folder, 'a', {
    config: { x: 1 },
    score: 2,
    interval: [1, 3],
    more: { loss: 5, floor: 1 },
  });
  const b = await runOf(folder, 'b', {
    config: { x: 2 },
    score: 4,
    interval: [2.5, 5],
    more: { loss: 4, floor: 2 },
  });
  const c = await runOf(folder, 'c', { config: { x: 3 }, score: null, more: { loss: 4, other: 7 } });
  const all = compare([a, b, c]);
  t.like(rowOf(all, 'score'), { better: 'higher', best: [1], isClear: false, isHeadline: true });
  t.deepEqual(rowOf(all, 'score')?.values[2], { value: null, count: 1 });
  t.like(rowOf(all, 'loss of the model'), { better: 'lower', best: [1, 2], isClear: true });
  t.deepEqual(rowOf(all, 'score, by chance')?.best, [], 'a baseline is nobody’s merit');
  t.is(rowOf(all, 'score, by chance')?.values[2], undefined, 'missing, and no zero');
  t.is(rowOf(all, 'other'), undefined);
  t.deepEqual(rowOf(compare([a, b, c], true), 'other')?.values, [
    undefined,
    undefined,
    { value: 7, count: 1 },
  ]);
  const equal = compare([a, await runOf(folder, 'd', { config: { x: 4 }, score: 2 })]);
  t.deepEqual(rowOf(equal, 'score')?.best, []);
  const text = formatComparison(all, 200);
  t.regex(text, /score ↑ +2 \(1 … 3\) +4 \(\*\) \(2\.500 … 5\) +not finite/);
  t.regex(text, /loss of the model ↓ +5 +4 \* +4 \*/);
  t.regex(text, /score, by chance +1 +2 +–/);
});

test('seeds are one column, their mean with its spread, also those of other runs', async (t) => {
  const folder = temporaryFolder(t);
  const runs = [
    await runOf(folder, 'a1', { config: { x: 1, seed: 1 }, seed: 1, score: 1 }),
    await runOf(folder, 'a2', { config: { x: 1, seed: 2 }, seed: 2, score: 3 }),
    await runOf(folder, 'b1', { config: { x: 2, seed: 1 }, seed: 1, score: 5 }),
  ];
  const all = compare(runs);
  t.deepEqual(
    all.columns.map(({ name }) => name),
    ['a1, a2', 'b1'],
  );
  t.deepEqual(rowOf(all, 'score')?.values, [
    { value: 2, range: [1, 3], count: 2 },
    { value: 5, count: 1 },
  ]);
  t.deepEqual(
    all.differences.map(({ key }) => key),
    ['train.x', 'seed'],
  );
  const seeds = compare(runs.slice(0, 2));
  t.deepEqual(
    seeds.columns.map(({ name }) => name),
    ['a1', 'a2', 'mean of 2'],
  );
  t.deepEqual(
    rowOf(seeds, 'score')?.values.map((value) => value?.value),
    [1, 3, 2],
  );
  t.deepEqual(rowOf(seeds, 'score')?.best, [], 'no seed is better than another');
  t.deepEqual(seeds.differences, [{ key: 'seed', values: ['1', '2', '1, 2'] }]);
});

test('the runs of a sweep are compared by their settings; what they share counts once', async (t) => {
  const folder = temporaryFolder(t);
  const { stages, cells } = sweepOf({
    a: { 1: { score: 1 }, 2: { score: 3 } },
    b: { 1: { score: 6 }, 2: undefined },
  });
  const labelled = Object.fromEntries(
    Object.entries(stages).map(([id, stage]) => {
      const config = { rate: id.includes('@a') ? 'a' : 'b' };
      const labels = { score: { label: 'score', better: 'higher' } };
      return [id, { ...stage, manifest: { config, labels, fingerprint: id } }];
    }),
  );
  const all = compare([await fakeRun(folder, labelled, { cells })]);
  t.deepEqual(
    all.columns.map(({ name }) => name),
    ['a', 'b'],
  );
  t.deepEqual(rowOf(all, 'score')?.values, [
    { value: 2, range: [1, 3], count: 2 },
    { value: 6, count: 1 },
  ]);
  const sharing = [
    { labels: { size: 's', seed: '1' }, ids: { train: 'train@a-1' } },
    { labels: { size: 's', seed: '2' }, ids: { train: 'train@a-1' } },
    { labels: { size: 'l', seed: '1' }, ids: { train: 'train@b-1' } },
  ];
  const shared = compare([await fakeRun(temporaryFolder(t), labelled, { cells: sharing })]);
  t.deepEqual(rowOf(shared, 'score')?.values, [
    { value: 1, count: 1 },
    { value: 6, count: 1 },
  ]);
});

test('fewer than two runs with results are an error, and a folder that is named twice is one', async (t) => {
  const folder = temporaryFolder(t);
  const one = await runOf(folder, 'a');
  const empty = await fakeRun(folder, { train: { base: 'train', isMissing: true } }, { name: 'empty' });
  for (const runs of [[], [one], [one, one], [one, empty]])
    t.throws(() => compare(runs), { instanceOf: CalmError, code: 'CALM_COMPARE_NOTHING' });
  const other = await runOf(folder, 'b', { config: { x: 1 } });
  t.deepEqual(compare([one, empty, other]).notes, ['No stage is finished in empty.']);
});

test('runs of one name are told apart by their folders', async (t) => {
  const [a, b] = [temporaryFolder(t), temporaryFolder(t)];
  const runs = [await runOf(`${a}/x`, 'same'), await runOf(`${b}/y`, 'same', { config: { x: 1 } })];
  t.deepEqual(
    compare(runs).columns.map(({ name }) => name),
    ['x/runs/same', 'y/runs/same'],
  );
});

test('nothing is wider than the terminal, however narrow, and no value of a wide one is lost', async (t) => {
  const folder = temporaryFolder(t);
  const names = ['a', 'a-run-with-a-name-that-takes-its-time', 'b'];
  const runs = [];
  for (const [i, name] of names.entries())
    runs.push(
      await runOf(folder, name, {
        config: { text: `words ${i} `.repeat(9 + i), n: i },
        score: i,
        interval: [i - 1, i + 1],
      }),
    );
  const comparison = compare(runs);
  for (let width = 30; width <= 220; width++) {
    const widest = Math.max(
      ...formatComparison(comparison, width)
        .split('\n')
        .map(({ length }) => length),
    );
    t.true(widest <= width, `${widest} at ${width}`);
  }
  t.regex(formatComparison(comparison, 60), /score ↑ +0 +1 +2 \(\*\)\n/, 'intervals are left out first');
  t.regex(formatComparison(comparison, 60), /spread of seeds: in a wider terminal/);
  t.regex(formatComparison(comparison, 30), /score ↑\n {2}a +0\n/, 'then rows stand below one another');
  t.regex(formatComparison(comparison, 220), /score ↑ +0 \(-1 … 1\) +1 \(0 … 2\) +2 \(\*\) \(1 … 3\)/);
});
