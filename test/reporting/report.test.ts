import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import plugin from '#plugins';
import { checkConfig, makePlan, parseConfig, Registry, recordOf } from '../../src/pipeline/index.ts';
import { htmlPage, markdownPage, sectionOf, valuesOf } from '../../src/reporting/index.ts';
import { correlations, ranked } from '../../src/reporting/report/statistics.ts';
import { Run, writeRecord } from '../../src/runs/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const CONFIG = {
  name: 'sweep',
  stages: { tokenize: { corpus: 'x.txt' } },
  matrix: { 'tokenize.vocabSize': [300, 400, 500] },
  report: {
    title: 'Words & <signs>',
    source: 'Table 9',
    text: 'What was seen.',
    columns: ['tokenize.score', 'tokenize.interval'],
    plots: [
      {
        title: 'Score',
        x: 'tokenize.vocabSize',
        y: 'tokenize.score',
        interval: 'tokenize.interval',
        paper: { 300: 1.5 },
      },
      {
        title: 'Curve',
        rows: { curve: 'tokenize' },
        x: 'step',
        y: 'loss',
        color: 'tokenize.vocabSize',
        kind: 'line',
        correlation: true,
      },
      {
        title: 'List',
        rows: { list: 'tokenize.levels' },
        x: 'sigma',
        y: 'share',
        color: 'tokenize.vocabSize',
        kind: 'point',
      },
      { title: 'Nothing', x: 'tokenize.vocabSize', y: 'tokenize.absent' },
    ],
  },
};

/** A sweep of three runs of which two are there. */
async function sweep(folder: string) {
  writeFileSync(join(folder, 'x.txt'), 'some words');
  const registry = new Registry();
  registry.addPlugin(plugin);
  const config = checkConfig(parseConfig(join(folder, 'sweep.yaml'), stringify(CONFIG)));
  for (const [size, score] of [
    [300, 1],
    [400, 2],
  ]) {
    const directory = join(folder, `runs/sweep/tokenize@${size}`);
    mkdirSync(directory, { recursive: true });
    const metrics = { score, interval: [score - 0.5, score + 0.5], levels: [{ sigma: 0.1, share: 0.9 }] };
    const manifest = {
      formatVersion: 1,
      stage: 'tokenize',
      uses: 'tokenize',
      stageVersion: 1,
      fingerprint: 'abc',
      seed: 0,
      seconds: 2,
      finishedAt: '2026-01-01T00:00:00.000Z',
      outputs: {},
      versions: { engine: 'onnx' },
      inputs: {},
      config: {},
      metrics,
    };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
    writeFileSync(
      join(directory, 'metrics.jsonl'),
      [1, 2, 3].map((step) => JSON.stringify({ step, loss: size / step })).join('\n'),
    );
  }
  const plan = await makePlan(config, registry);
  await writeRecord(plan.folder.directory, recordOf(plan));
  return Run.open(plan.folder.directory);
}

test('a section has a line a run, the paper’s numbers beside ours, and a plot for all that is there', async (t) => {
  const run = await sweep(temporaryFolder(t));
  const section = await sectionOf(run);
  t.deepEqual(section.table.head, ['tokenize.vocabSize', 'score, paper', 'score', 'interval, 95 %']);
  t.deepEqual(section.table.rows, [
    ['300', '1.5', '1', '0.500 … 1.50'],
    ['400', '–', '2', '1.50 … 2.50'],
    ['500', '–', '–', '–'],
  ]);
  t.deepEqual(
    section.plots.map(({ title }) => title),
    ['Score', 'Curve', 'List'],
  );
  for (const { svg } of section.plots) t.regex(svg, /^<svg/);
  t.regex(section.provenance, /2 stages, 4.0 s of work · engine onnx · seed 0 · 1 stages have not been run/);
  const [score] = valuesOf(run);
  t.deepEqual(score.points[1], { x: '300', y: 1.5, who: 'paper' });
});

test('pages: HTML that holds everything and escapes it; Markdown with its plots beside', async (t) => {
  const section = await sectionOf(await sweep(temporaryFolder(t)));
  const html = htmlPage('A page', [section]);
  t.regex(html, /<h2>Words &amp; &lt;signs&gt;<\/h2>/);
  t.false(/(src|href)="?http/.test(html.replaceAll('xmlns:xlink="http', '')), 'nothing is fetched');
  const { text, files } = markdownPage('A page', [section], 'a-page');
  t.deepEqual([...files.keys()], ['words-signs-1.svg', 'words-signs-2.svg', 'words-signs-3.svg']);
  t.regex(text, /!\[Score\]\(a-page\/words-signs-1\.svg\)/);
  t.regex(text, /\| 300 \| 1\.5 \| 1 \| 0\.500 … 1\.50 \|/);
});

test('correlations: of a line, of ranks alone, with intervals that hold them', (t) => {
  const line = correlations([1, 2, 3, 4, 5].map((x) => [x, 10 - 2 * x] as const));
  t.true(Math.abs((line?.pearson.value ?? 0) + 1) < 1e-12);
  const bent = correlations([1, 2, 3, 4, 5, 6].map((x) => [x, Math.exp(x)] as const));
  t.is(bent?.spearman.value, 1);
  t.true((bent?.pearson.value ?? 1) < 0.9);
  t.true(
    (bent?.pearson.interval[0] ?? 1) <= (bent?.pearson.value ?? 0) &&
      (bent?.pearson.value ?? 1) <= (bent?.pearson.interval[1] ?? 0),
  );
  t.deepEqual(
    ranked([
      [5, 1],
      [5, 2],
      [9, 3],
    ]),
    [
      [0.5, 0],
      [0.5, 1],
      [2, 2],
    ],
  );
  t.is(correlations([[1, 2]]), undefined);
});
