import test from 'ava';
import type { ReportPlot } from '../../../src/pipeline/index.ts';
import { pointsOf } from '../../../src/reporting/report/points.ts';
import { rowsOf } from '../../../src/reporting/report/rows.ts';
import { fakeRun, sweepOf } from '../../helpers/report-run.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const PLOT: ReportPlot = {
  title: 'Score',
  x: 'train.rate',
  y: 'train.score',
  kind: 'bar',
  correlation: false,
};

const TWO_SEEDS = {
  '0.001': { 1: { score: 6, range: [5, 7] }, 2: { score: 7, range: [6, 8] } },
  '0.002': { 1: { score: 5, range: [4, 6] }, 2: undefined },
};

test(
  'seeds are one point: their mean with its spread, never a sum; the paper’s number stands ' + 'there once',
  async (t) => {
    const { stages, cells } = sweepOf(TWO_SEEDS);
    const rows = rowsOf(await fakeRun(temporaryFolder(t), stages, { cells }));
    const { points, notes } = pointsOf(rows, { ...PLOT, interval: 'train.range', paper: { '1e-3': 4.7 } });
    t.deepEqual(points, [
      { x: '0.001', y: 6.5, who: 'ours', low: 6, high: 7, runs: 2 },
      { x: '0.001', y: 4.7, who: 'paper' },
      { x: '0.002', y: 5, who: 'ours', low: 4, high: 6 },
    ]);
    t.deepEqual(notes, [
      'Mean of 2 seeds; whiskers reach from the least to the greatest.',
      'A point of one run has the interval of that run.',
    ]);
  },
);

test(
  'where a plot hides another axis than a seed, it says how many runs are in a point and in what ' +
    'they differ',
  async (t) => {
    const { stages, cells } = sweepOf({
      '0.001': { 1: { score: 6 }, 2: { score: 8 } },
      '0.002': { 1: { score: 4 }, 2: { score: 2 } },
    });
    const rows = rowsOf(await fakeRun(temporaryFolder(t), stages, { cells }));
    const hidden = pointsOf(rows, { ...PLOT, x: 'seed' });
    t.deepEqual(
      hidden.points.map(({ x, y, runs }) => [x, y, runs]),
      [
        ['1', 5, 2],
        ['2', 5, 2],
      ],
    );
    t.regex(hidden.notes[0], /^Mean of 2 runs that differ in train\.rate;/);
    const shown = pointsOf(rows, { ...PLOT, x: 'seed', color: 'train.rate', paper: { '1 / 1e-3': 3 } });
    t.is(shown.points.filter(({ who }) => who === 'ours').length, 4);
    t.deepEqual(
      shown.points.filter(({ who }) => who === 'paper'),
      [{ x: '1', y: 3, color: '0.001', who: 'paper' }],
    );
    t.deepEqual(shown.notes, []);
  },
);

test('a stage that several runs share counts once', async (t) => {
  const stages = {
    'train@1': { base: 'train', metrics: { score: 1 } },
    'train@2': { base: 'train', metrics: { score: 4 } },
  };
  const cells = [
    { labels: { size: 'a', seed: '1' }, ids: { train: 'train@1' } },
    { labels: { size: 'b', seed: '1' }, ids: { train: 'train@1' } },
    { labels: { size: 'a', seed: '2' }, ids: { train: 'train@2' } },
  ];
  const rows = rowsOf(await fakeRun(temporaryFolder(t), stages, { cells }));
  const bySeed = pointsOf(rows, { ...PLOT, x: 'seed' });
  t.deepEqual(
    bySeed.points.map(({ y, runs }) => [y, runs]),
    [
      [1, undefined],
      [4, undefined],
    ],
  );
  const [a, b] = pointsOf(rows, { ...PLOT, x: 'size' }).points;
  t.deepEqual([a.y, a.runs, b.y, b.runs], [2.5, 2, 1, undefined]);
});

test('entries of one list: bars and lines of one place are their mean, points stay apart', async (t) => {
  const levels = [
    { temperature: 1, candidates: 10, accuracy: 0.2 },
    { temperature: 1, candidates: 20, accuracy: 0.4 },
    { temperature: 0.5, candidates: 10, accuracy: 0.6 },
  ];
  const stages = { train: { base: 'train', metrics: { levels } } };
  const rows = rowsOf(await fakeRun(temporaryFolder(t), stages));
  const plot = { ...PLOT, rows: { list: 'train.levels' }, x: 'temperature', y: 'accuracy' };
  const bars = pointsOf(rows, plot);
  t.deepEqual(
    bars.points.map(({ x, y }) => [x, Math.round(100 * y)]),
    [
      [1, 30],
      [0.5, 60],
    ],
  );
  t.regex(bars.notes[0], /^Mean of 2 results of one run;/);
  t.is(pointsOf(rows, { ...plot, kind: 'point' }).points.length, 3);
});

test('curves of two seeds are one line in the order of its steps, though one ends later', async (t) => {
  const line = (steps: readonly number[]) => steps.map((step) => ({ step, loss: step }));
  const { stages, cells } = sweepOf({ a: { 1: {}, 2: {} } });
  const curved = {
    'train@a-1': { ...stages['train@a-1'], curve: line([10, 30]) },
    'train@a-2': { ...stages['train@a-2'], curve: line([10, 20, 30, 40]) },
  };
  const rows = rowsOf(await fakeRun(temporaryFolder(t), curved, { cells }));
  const { points } = pointsOf(rows, {
    ...PLOT,
    rows: { curve: 'train' },
    x: 'step',
    y: 'loss',
    kind: 'line',
  });
  t.deepEqual(
    points.map(({ x, runs }) => [x, runs]),
    [
      [10, 2],
      [20, undefined],
      [30, 2],
      [40, undefined],
    ],
  );
});

test('a curve that turns back keeps its own order', async (t) => {
  const levels = [0, 0.4, 0.2].map((collision, i) => ({ collision, accuracy: i }));
  const rows = rowsOf(await fakeRun(temporaryFolder(t), { train: { base: 'train', metrics: { levels } } }));
  const plot = { ...PLOT, rows: { list: 'levels' }, x: 'collision', y: 'accuracy', kind: 'line' as const };
  t.deepEqual(
    pointsOf(rows, plot).points.map(({ x }) => x),
    [0, 0.4, 0.2],
  );
});

test('what is not finite is left out and said; what is missing is a gap and no zero', async (t) => {
  const { stages, cells } = sweepOf({ 1: { 1: { score: null } }, 2: { 1: {} }, 3: { 1: { score: 3 } } });
  const rows = rowsOf(await fakeRun(temporaryFolder(t), stages, { cells }));
  const { points, notes } = pointsOf(rows, { ...PLOT, paper: { 2: 9, 30: 1 } });
  t.deepEqual(points, [{ x: '3', y: 3, who: 'ours' }]);
  t.deepEqual(notes, ['1 value is not finite and left out.', 'The paper’s number for 30 has no place here.']);
});

test('of very many points some are drawn, the last among them, and it is said', async (t) => {
  const curve = Array.from({ length: 20_000 }, (_, step) => ({ step, loss: 1 }));
  const rows = rowsOf(await fakeRun(temporaryFolder(t), { train: { base: 'train', curve } }));
  const { points, notes } = pointsOf(rows, {
    ...PLOT,
    rows: { curve: 'train' },
    x: 'step',
    y: 'loss',
    kind: 'line',
  });
  t.true(points.length <= 1001);
  t.is(points.at(-1)?.x, 19_999);
  t.regex(notes[0], /of 20000 points are drawn/);
});
