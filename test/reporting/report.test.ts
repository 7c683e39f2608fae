import test from 'ava';
import builtin from '#plugins';
import { CalmError } from '../../src/errors.ts';
import type { ReportSection } from '../../src/reporting/index.ts';
import { comparisonSection, htmlPage, markdownPage, sectionOf, valuesOf } from '../../src/reporting/index.ts';
import { type FakeStage, fakeRun, sweepOf } from '../helpers/report-run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const REPORT = {
  title: 'Words & <signs>',
  source: 'Table 9',
  text: 'What was seen.',
  columns: ['train.score', 'train.interval'],
  plots: [
    { title: 'Score', x: 'train.rate', y: 'train.score', interval: 'train.interval', paper: { 300: 1.5 } },
    {
      title: 'Curve',
      rows: { curve: 'train' },
      x: 'step',
      y: 'loss',
      color: 'train.rate',
      kind: 'line',
      correlation: true,
    },
    {
      title: 'List',
      rows: { list: 'train.levels' },
      x: 'sigma',
      y: 'share',
      color: 'train.rate',
      kind: 'point',
    },
    { title: 'Later', x: 'train.rate', y: 'later.score' },
  ],
};

/** A sweep of three runs of which two are there, and a stage that no run has. */
async function sweep(folder: string) {
  const result = (score: number): FakeStage => ({
    base: 'train',
    metrics: { score, interval: [score - 0.5, score + 0.5], levels: [{ sigma: 0.1, share: 0.9 }] },
    curve: [1, 2, 3].map((step) => ({ step, loss: score / step })),
  });
  const stages = {
    'train@300': result(1),
    'train@400': result(2),
    'train@500': { base: 'train', isMissing: true },
    later: { base: 'later', isMissing: true },
  };
  const cells = ['300', '400', '500'].map((rate) => ({
    labels: { 'train.rate': rate },
    ids: { train: `train@${rate}`, later: 'later' },
  }));
  return fakeRun(folder, stages, { cells, report: REPORT });
}

/** What a stage's manifest has of its labels. */
const labelsOf = (stage: string) => ({
  labels: builtin.stages.find(({ name }) => name === stage)?.labels?.(),
});

/** What a whole run leaves, of which nothing is asked. */
const WHOLE: Readonly<Record<string, FakeStage>> = {
  'train-lm': {
    base: 'train-lm',
    metrics: { loss: 5, steps: 30 },
    curve: [10, 20, 30].map((step) => ({ step, loss: 100 / step, validationLoss: 90 / step })),
    manifest: {
      ...labelsOf('train-lm'),
      config: { steps: 30, 'learn|ing': '<i>' },
      cost: {
        parts: [{ name: 'layers', parameters: 1234, trainingFlops: 30, inferenceFlops: 10 }],
        trainingTokens: 100,
      },
    },
  },
  evaluate: {
    base: 'evaluate',
    metrics: {
      reconstruction: {
        tokenAccuracy: 0.5,
        underNoise: [
          { sigma: 0.1, tokenAccuracy: 0.5 },
          { sigma: 0.2, tokenAccuracy: 0.25 },
        ],
      },
      brierlm: { brierLM: 6.3, brier: [0.3, 0.1, 0.04, 0.01], interval: { level: 0.95, brierLM: [5.5, 7] } },
      unigram: { brierLM: 0.08, brier: [0.07, 0.004, 0.0002, 0] },
      energy: { loss: 5.4, contextFreeLoss: 6.1 },
      temperature: [{ temperature: 1, accuracy: 0.2, collision: 0.1 }],
      broken: null,
    },
    manifest: labelsOf('evaluate'),
  },
  sample: {
    base: 'sample',
    metrics: { samples: [{ text: '<script>alert(1)</script>\n```\n| \u0000', end: 'length' }] },
    manifest: { ...labelsOf('sample'), config: { prompt: '*The*' } },
  },
};

const kinds = ({ blocks }: ReportSection) => blocks.map(({ kind }) => kind);
const headings = (blocks: ReportSection['blocks']) =>
  blocks.flatMap((block) => (block.kind === 'heading' ? [block.text] : []));
const tables = (blocks: ReportSection['blocks']) =>
  blocks.flatMap((block) => {
    if (block.kind === 'table') return [block.table];
    if (block.kind === 'tables') return block.tables.map(({ table }) => table);
    return block.kind === 'figures' ? block.figures.flatMap(({ beside }) => beside ?? []) : [];
  });
const figures = (blocks: ReportSection['blocks']) =>
  blocks.flatMap((block) => (block.kind === 'figures' ? block.figures : []));
const notes = (blocks: ReportSection['blocks']) =>
  blocks.flatMap((block) => (block.kind === 'notes' ? block.items : []));

test(
  'what the configuration asks for comes first: a line a run, the paper’s numbers beside ours, ' +
    'its plots',
  async (t) => {
    const run = await sweep(temporaryFolder(t));
    const section = await sectionOf(run);
    t.deepEqual(kinds(section), ['fact', 'text', 'notes', 'table', 'figures', 'fact']);
    const [table] = tables(section.blocks);
    t.deepEqual(table.head, ['train.rate', 'score, paper', 'score', 'interval, 95 %']);
    t.deepEqual(table.rows, [
      ['300', '1.5', '1', '0.500 … 1.50'],
      ['400', '–', '2', '1.50 … 2.50'],
      ['500', '–', '–', '–'],
    ]);
    t.deepEqual(
      figures(section.blocks).map(({ title }) => title),
      ['Score', 'Curve', 'List'],
    );
    t.deepEqual(figures(section.blocks)[1].table?.rows.length, 2);
    t.deepEqual(notes(section.blocks), [
      'Not run yet: train@500, later.',
      'Not drawn yet: “Later” needs later, which has not been run.',
    ]);
    const { plots, notRun } = valuesOf(run);
    t.deepEqual(plots[0].points[1], { x: '300', y: 1.5, who: 'paper' });
    t.deepEqual(plots[0].points.length, 3);
    t.deepEqual(notRun, ['train@500', 'later']);
    t.true(headings(section.details).includes('Training'), 'the rest is folded away');
  },
);

test('a run that asks for nothing has a useful page', async (t) => {
  const { title, blocks, details } = await sectionOf(await fakeRun(temporaryFolder(t), WHOLE));
  t.is(title, 'fake');
  t.deepEqual(details, []);
  t.deepEqual(headings(blocks), [
    'In short',
    'Training',
    'Reconstruction under noise',
    'Factors of BrierLM',
    'Samples',
    'Results',
    'Cost',
    'Configuration',
    'How it was made',
  ]);
  const [headline] = blocks.flatMap((block) => (block.kind === 'headline' ? [block.items] : []));
  t.deepEqual(headline, [
    { name: 'reconstruction accuracy', value: '50.00 %', beside: '' },
    { name: 'BrierLM', value: '6.300', beside: '95 %: 5.500 … 7; unigram: 0.08000' },
    { name: 'energy loss', value: '5.400', beside: 'context-free: 6.100' },
    { name: 'parameters', value: '1.23k', beside: 'train-lm' },
    { name: 'time', value: '6.0 s', beside: 'all stages' },
  ]);
  t.deepEqual(
    figures(blocks).map((figure) => figure.title),
    [
      'train-lm: loss',
      'train-lm: loss, held-out text',
      'evaluate: reconstruction under noise',
      'evaluate: factors of BrierLM',
    ],
  );
  const lines = tables(blocks).flatMap(({ rows }) => rows);
  for (const line of [
    ['BrierLM', '6.300 (95 %: 5.500 … 7)'],
    ['BrierLM, unigram sampler', '0.08000'],
    ['energy loss, context-free', '6.100'],
    ['broken', 'not finite'],
    ['1', '0.2000', '0.1000'],
    ['0.2', '25.00 %'],
    ['train-lm', 'layers', '1234', '30', '10', ''],
    ['train-lm', 'in all', '1234', '30', '10', '3000'],
    ['steps', '30'],
    ['sample', 'onnx', '–', '0', '2.0 s', '2026-01-01 00:00:00 UTC'],
  ])
    t.true(
      lines.some((found) => JSON.stringify(found) === JSON.stringify(line)),
      line.join(' | '),
    );
});

test('a sweep that asks for nothing: one curve a setting, seeds as their mean', async (t) => {
  const { stages, cells } = sweepOf({ a: { 1: {}, 2: {} }, b: { 1: {}, 2: {} } });
  const curved = Object.fromEntries(
    Object.entries(stages).map(([id, stage], i) => [
      id,
      { ...stage, curve: [1, 2].map((step) => ({ step, loss: i })) },
    ]),
  );
  const run = await fakeRun(temporaryFolder(t), curved, { cells });
  const [figure] = figures((await sectionOf(run)).blocks);
  t.is(figure.caption, 'Mean of 2 seeds; whiskers reach from the least to the greatest.');
  t.regex(
    figure.svg,
    /step: 2; loss: 0\.5000 \(mean of 2, 0 … 1\)|train\.rate: a; loss: 0\.5000 \(mean of 2/,
  );
});

test('lists of several settings: that of the model of each, one colour a setting', async (t) => {
  const factors = (first: number) => [first, first / 4, 0.01, 0.001];
  const result = (first: number): FakeStage => ({
    base: 'evaluate',
    metrics: {
      brierlm: {
        brier: factors(first),
        interval: {
          brier: [
            [0, 0.3],
            [0, 0.1],
            [0, 0.1],
            [0, 0.1],
          ],
        },
      },
      unigram: { brier: factors(0.07) },
    },
    manifest: labelsOf('evaluate'),
  });
  const cells = ['a', 'b'].map((rate) => ({
    labels: { 'train.rate': rate },
    ids: { evaluate: `evaluate@${rate}` },
  }));
  const stages = { 'evaluate@a': result(0.2), 'evaluate@b': result(0.1) };
  const { blocks } = await sectionOf(await fakeRun(temporaryFolder(t), stages, { cells }));
  t.true(headings(blocks).includes('Factors of BrierLM'));
  const [figure] = figures(blocks);
  t.is(figure.title, 'evaluate: factors of BrierLM');
  t.is(figure.caption, 'Whiskers: the interval of each run.');
  for (const [rate, score] of [
    ['a', '0.2000'],
    ['b', '0.1000'],
  ])
    t.regex(figure.svg, new RegExp(`length: 1 token; train\\.rate: ${rate}; Brier score: ${score}`));
  t.notRegex(figure.svg, /0\.07000/, 'what they are compared with is left out');
});

test('results of an earlier configuration, and such that it no longer has, are told apart', async (t) => {
  const folder = temporaryFolder(t);
  await fakeRun(folder, { gone: { base: 'gone', metrics: { score: 1 } } });
  const other = { base: 'train', metrics: { score: 2 }, manifest: { fingerprint: 'other' } };
  const { blocks } = await sectionOf(await fakeRun(folder, { train: other }));
  t.deepEqual(notes(blocks), [
    'Run with an earlier configuration, and shown as it was then: train.',
    'Not shown, because the configuration no longer has it: gone.',
  ]);
  t.false(JSON.stringify(tables(blocks)).includes('gone'));
});

test('a run without a finished stage, and a report that can’t be read, are errors', async (t) => {
  const empty = await fakeRun(temporaryFolder(t), { train: { base: 'train', isMissing: true } });
  await t.throwsAsync(sectionOf(empty), { instanceOf: CalmError, code: 'CALM_RUN_NONE' });
  const odd = await fakeRun(temporaryFolder(t), WHOLE, { report: { title: 5 } });
  const error = await t.throwsAsync(sectionOf(odd), { instanceOf: CalmError, code: 'CALM_REPORT_INVALID' });
  t.regex(`${error?.location?.file} ${error?.message}`, /run\.json .*report\.title/);
});

test(
  'HTML holds everything, fetches nothing, runs nothing, and shows the text of others ' + 'as it is',
  async (t) => {
    const whole = await sectionOf(await fakeRun(temporaryFolder(t), WHOLE));
    const asked = await sectionOf(await sweep(temporaryFolder(t)));
    const html = htmlPage('A <page>', [whole, asked]);
    t.regex(html, /<title>A &lt;page&gt;<\/title>/);
    t.regex(html, /<h2>Words &amp; &lt;signs&gt;<\/h2>/);
    t.regex(html, /<pre dir="auto">&lt;script&gt;alert\(1\)&lt;\/script&gt;\n```\n\| \u2400<\/pre>/);
    t.notRegex(html, /<script|<i>/i);
    t.false(html.includes('\u0000'));
    t.false(/(src|href|url)\s*[=(]\s*"?(https?:)?\/\//i.test(html.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')));
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    t.is(new Set(ids).size, ids.length, 'no id stands twice on a page');
    t.is(html.match(/<svg role="img" aria-label="[^"]+"/g)?.length, html.match(/<svg /g)?.length);
    t.regex(html, /prefers-color-scheme:dark/);
    t.regex(html, /<details><summary>/);
  },
);

test('Markdown shows its plots from files of names that differ, and escapes what others wrote', async (t) => {
  const whole = await sectionOf(await fakeRun(temporaryFolder(t), WHOLE));
  const asked = await sectionOf(await sweep(temporaryFolder(t)));
  const { text, files } = markdownPage('A *page*', [asked, asked, whole], 'a page (1)');
  t.deepEqual(
    [...files.keys()],
    [
      ...['1', '2', '3', '4', '5', '6'].map((i) => `words-signs-${i}.svg`),
      ...['1', '2', '3', '4'].map((i) => `fake-${i}.svg`),
    ],
  );
  for (const svg of files.values()) t.regex(svg, /^<svg style="[^"]*background:#fff" role="img"/);
  t.regex(text, /^# A \\\*page\\\*\n\n## Words &amp; &lt;signs>\n/);
  t.regex(text, /!\[Score\]\(a%20page%20%281%29\/words-signs-1\.svg\)/);
  t.regex(text, /\| 300 \| 1\.5 \| 1 \| 0\.500 … 1\.50 \|/);
  t.regex(
    text,
    /\n````text\n<script>alert\(1\)<\/script>\n```\n\| \u2400\n````\n/,
    'a fence that the sample can’t close',
  );
  t.regex(text, /\| learn\\\|ing \| &lt;i> \|/);
});

test('what a model wrote while it was trained is shown, of many texts some', async (t) => {
  const sample = (step: number) => ({ step, event: 'written', prompt: 'The', text: ` <i> ${step}` });
  const events = [{ step: 1, event: 'bad step' }, ...Array.from({ length: 20 }, (_, i) => sample(i + 1))];
  const run = await fakeRun(temporaryFolder(t), { train: { base: 'train', events } });
  const { blocks } = await sectionOf(run);
  t.true(headings(blocks).includes('Samples while training'));
  const shown = blocks.flatMap((block) => (block.kind === 'quote' ? [block] : []));
  t.is(shown.length, 8);
  t.deepEqual(shown[0], { kind: 'quote', title: 'train, step 1 · prompt "The"', text: ' <i> 1' });
  t.is(shown[7].text, ' <i> 20');
  t.true(
    blocks.some((block) => block.kind === 'fact' && block.text === 'train: 12 more in its events.jsonl'),
  );
});

test('a curve is named by its stage; losses of different models are in plots of their own', async (t) => {
  const folder = temporaryFolder(t);
  const curve = [1, 2].map((step) => ({ step, loss: step }));
  const runs = [];
  for (const [name, label] of [
    ['a', 'flow loss'],
    ['b', 'flow loss'],
    ['c', 'energy loss'],
  ]) {
    const manifest = {
      config: { name },
      fingerprint: name,
      labels: { loss: { label, better: 'lower' } },
    };
    runs.push(await fakeRun(folder, { train: { base: 'train', metrics: {}, curve, manifest } }, { name }));
  }
  const drawn = figures((await comparisonSection(runs)).blocks);
  t.deepEqual(
    drawn.map(({ title }) => title),
    ['train: flow loss', 'train: energy loss (c)'],
  );
  t.regex(drawn[0].svg, /run: a; flow loss: 1/);
  t.regex(drawn[0].svg, /Y-axis titled 'flow loss'/);
  t.regex(
    drawn[0].svg,
    /aria-label="train: flow loss: flow loss over step, 4 points, 1 to 2; a: 1 to 2; b: 1 to 2"/,
  );
  t.notRegex(drawn[0].svg, /run: c/);
});

test('several runs: what differs, results side by side, curves laid over each other, a shared stage once', async (t) => {
  const folder = temporaryFolder(t);
  const levels = [0.1, 0.2].map((sigma) => ({ sigma, tokenAccuracy: 1 - sigma }));
  const runs = [];
  for (const [i, rate] of [1, 2].entries()) {
    const trained = { config: { rate }, fingerprint: `train ${rate}`, seed: 3 };
    const judged = { fingerprint: `evaluate ${rate}`, ...labelsOf('evaluate') };
    const brierlm = { brierLM: rate, brier: [0.3 * rate, 0.1, -0.5, 0], interval: { brierLM: [0, 4] } };
    const stages = {
      coder: {
        base: 'coder',
        curve: [1, 2].map((step) => ({ step, loss: 9 })),
        manifest: { fingerprint: 'c' },
      },
      train: { base: 'train', curve: [1, 2].map((step) => ({ step, loss: rate })), manifest: trained },
      evaluate: {
        base: 'evaluate',
        metrics: {
          brierlm,
          unigram: { brierLM: 0.1, brier: [0.1, 0, 0, 0] },
          reconstruction: { underNoise: levels },
        },
        manifest: judged,
      },
      sample: {
        base: 'sample',
        metrics: { samples: [{ text: `text of ${rate}` }, { text: 'second' }] },
        manifest: { fingerprint: `sample ${rate}`, ...labelsOf('sample') },
      },
    };
    runs.push(await fakeRun(folder, stages, { name: i ? 'wide' : 'small' }));
  }
  const { title, blocks } = await comparisonSection(runs);
  t.is(title, 'Comparison');
  t.deepEqual(headings(blocks), [
    'What differs',
    'Results side by side',
    'Results as points',
    'Training',
    'Reconstruction under noise',
    'Factors of BrierLM',
    'Samples',
  ]);
  const [differences, results, , factors] = tables(blocks);
  t.deepEqual(differences, { head: ['key', 'small', 'wide'], rows: [['train.rate', '1', '2']] });
  t.deepEqual(results.rows[0], ['BrierLM ↑', '1 (0 … 4)', '2 (*) (0 … 4)']);
  t.deepEqual(
    factors.rows.map(([name]) => name),
    ['small', 'unigram sampler', 'wide'],
  );
  const [points, coder, train, noise, brier] = figures(blocks);
  t.regex(points.svg, /small; BrierLM: 1 \(0 … 4\)/);
  t.regex(coder.svg, /aria-label="coder: loss: loss over step, 2 points/, 'what they share is drawn once');
  t.notRegex(coder.svg, /run: /);
  t.regex(train.svg, /run: small; loss: 1/);
  t.regex(train.svg, /run: wide; loss: 2/);
  t.notRegex(noise.svg, /run: /, 'the same autoencoder was evaluated twice');
  t.regex(brier.svg, /symlog scale/);
  t.deepEqual(
    blocks.flatMap((block) => (block.kind === 'quote' ? [block.text] : [])),
    ['text of 1', 'text of 2'],
  );
  const page = htmlPage('Two', [await comparisonSection(runs), await sectionOf(runs[0], undefined, true)]);
  t.regex(page, /<nav aria-label="Contents">.*href="#part-1">Comparison<.*href="#part-2">small</s);
  t.regex(page, /<section id="part-2">/);
  t.regex(page, /<details><summary>/, 'a run among others is folded');
  t.regex(page, /@media print/);
});

test('seeds of one setting: their mean with its spread beside the baselines, in tables too', async (t) => {
  const result = (score: number) => ({
    accuracy: score,
    same: 7,
    brierlm: { brierLM: score, brier: [score, 0.1, 0, 0] },
    unigram: { brierLM: 0.1, brier: [0.2, 0, 0, 0] },
  });
  const { stages, cells } = sweepOf({ a: { 1: result(0.4), 2: result(0.6) } });
  const labelled = Object.fromEntries(
    Object.entries(stages).map(([id, stage]) => [id, { ...stage, manifest: labelsOf('evaluate') }]),
  );
  const { blocks } = await sectionOf(await fakeRun(temporaryFolder(t), labelled, { cells }));
  const rows = tables(blocks).flatMap((table) => table.rows);
  const rowsOf = (name: string) => rows.filter(([first]) => first === name).map(([, ...cells]) => cells);
  t.deepEqual(rowsOf('accuracy'), [['0.5000 (2 seeds: 0.4000 … 0.6000)']]);
  t.deepEqual(rowsOf('same'), [['7']]);
  t.deepEqual(rowsOf('model'), [['0.5000', '0.1000', '0', '0']]);
  t.deepEqual(rowsOf('unigram sampler'), [['0.2000', '0', '0', '0']]);
  const [figure] = figures(blocks);
  t.regex(figure.svg, /1 token; model; Brier score: 0\.5000 \(mean of 2/);
  t.regex(figure.svg, /1 token; unigram sampler; Brier score: 0\.2000/);
});
