import test from 'ava';
import { CalmError } from '../../../src/errors.ts';
import { type ReportConfig, reportConfig } from '../../../src/pipeline/index.ts';
import { checkKeys } from '../../../src/reporting/report/check-keys.ts';
import { rowsOf } from '../../../src/reporting/report/rows.ts';
import type { Run } from '../../../src/runs/index.ts';
import { fakeRun } from '../../helpers/report-run.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const STAGES = {
  train: { base: 'train', metrics: { steps: 3 }, curve: [{ step: 1, loss: 2 }] },
  measure: {
    base: 'measure',
    metrics: {
      energy: { loss: 5, range: [4, 6], factors: [1, 2, 3] },
      levels: [{ sigma: 0.1, share: 0.9 }],
      none: [],
      name: 'x',
    },
  },
  later: { base: 'later', isMissing: true },
};

const PLOT = { title: 'P', x: 'measure.energy.loss', y: 'measure.energy.loss' };

function check(run: Run, report: object): string[] {
  const stated = reportConfig.parse({ title: 'R', ...report }) as ReportConfig;
  return checkKeys(run, rowsOf(run), stated);
}

for (const [name, report, message, hint] of [
  [
    'y',
    { plots: [{ ...PLOT, y: 'measure.energy.lss' }] },
    /plot "P".*"measure\.energy\.lss"/,
    /^Did you mean "measure\.energy\.loss"\? There are: measure\.energy\.loss, /,
  ],
  [
    'x',
    { plots: [{ ...PLOT, x: 'mesure.energy.loss' }] },
    /"mesure\.energy\.loss"/,
    /Did you mean "measure\.energy\.loss"/,
  ],
  [
    'one of several names',
    { plots: [{ ...PLOT, y: ['measure.energy.loss', 'measure.x'] }] },
    /"measure\.x"/,
    /There are: /,
  ],
  ['colour', { plots: [{ ...PLOT, color: 'seed' }] }, /"seed"/, /There are: /],
  [
    'interval',
    { plots: [{ ...PLOT, interval: 'measure.energy.rnge' }] },
    /"measure\.energy\.rnge"/,
    /"measure\.energy\.range"/,
  ],
  ['column', { columns: ['train.stps'] }, /columns: .*"train\.stps"/, /"train\.steps"/],
  ['prototype', { columns: ['train.constructor'] }, /"train\.constructor"/, /There are: /],
  ['cost', { columns: ['cost.train.parameters'] }, /"cost\.train\.parameters"/, /There are: /],
  [
    'list',
    { plots: [{ ...PLOT, rows: { list: 'measure.levls' } }] },
    /"measure\.levls"/,
    /There are: measure\.levels\./,
  ],
  ['curve', { plots: [{ ...PLOT, rows: { curve: 'trian' } }] }, /"trian"/, /Did you mean "train"/],
  [
    'field of a list',
    { plots: [{ ...PLOT, rows: { list: 'measure.levels' }, x: 'sigm' }] },
    /"sigm"/,
    /Did you mean "sigma"/,
  ],
  [
    'field of a curve',
    { plots: [{ ...PLOT, rows: { curve: 'train' }, y: 'los' }] },
    /"los"/,
    /Did you mean "loss"/,
  ],
  [
    'y is a text',
    { plots: [{ ...PLOT, y: 'measure.name' }] },
    /"measure\.name" must be a number/,
    /There are: /,
  ],
  [
    'y is a list',
    { plots: [{ ...PLOT, y: 'measure.energy.factors' }] },
    /must be a number/,
    /measure\.energy\.loss/,
  ],
  [
    'y is an object',
    { plots: [{ ...PLOT, y: 'measure.energy' }] },
    /must be a number/,
    /measure\.energy\.loss/,
  ],
  [
    'interval of three',
    { plots: [{ ...PLOT, interval: 'measure.energy.factors' }] },
    /a list of two numbers/,
    /There are: measure\.energy\.range\./,
  ],
] as const)
  test(`a key that does not exist is an error that names it and those that do: ${name}`, async (t) => {
    const run = await fakeRun(temporaryFolder(t), STAGES);
    const error = t.throws(() => check(run, report), { instanceOf: CalmError, code: 'CALM_REPORT_KEY' });
    t.regex(error?.message ?? '', message);
    t.regex(error?.hint ?? '', hint);
  });

test('a key of a stage that has not been run is no error, and is said', async (t) => {
  const run = await fakeRun(temporaryFolder(t), STAGES);
  const waits = (title: string) => `Not drawn yet: “${title}” needs later, which has not been run.`;
  t.deepEqual(
    check(run, {
      columns: ['later.score', 'measure.energy.loss'],
      plots: [
        PLOT,
        { ...PLOT, title: 'A', y: 'later.score' },
        { ...PLOT, title: 'B', rows: { curve: 'later' }, x: 'step', y: 'loss' },
        { ...PLOT, title: 'C', rows: { list: 'later.levels' }, x: 'sigma', y: 'share' },
        { ...PLOT, title: 'D', rows: { list: 'anything' }, x: 'sigma', y: 'share' },
        { ...PLOT, title: 'E', y: ['later.score', 'measure.energy.loss'] },
        { ...PLOT, title: 'F', rows: { list: 'measure.none' }, x: 'sigma', y: 'share' },
      ],
    }),
    [waits('A'), waits('B'), waits('C'), waits('D'), 'Not drawn: “F” has no entries.'],
  );
});

test('of many keys the nearest are listed, and how many more there are', async (t) => {
  const metrics = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`measure${i}`, i]));
  const run = await fakeRun(temporaryFolder(t), { train: { base: 'train', metrics } });
  const error = t.throws(() => check(run, { columns: ['train.measre39'] }), { instanceOf: CalmError });
  t.regex(error?.hint ?? '', /There are: train\.measure39, .* and 28 more\.$/);
});
