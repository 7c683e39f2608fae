import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { fakeRun, sweepOf } from '../helpers/report-run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

/** A run of two seeds with a configuration of its name, whose `report:` is newer than the run. */
async function project(folder: string, plots: string): Promise<void> {
  const { stages, cells } = sweepOf({ a: { 1: { score: 2 }, 2: { score: 4 } } });
  await fakeRun(folder, stages, { cells });
  const report = `report: { title: Newer, plots: ${plots} }`;
  writeFileSync(join(folder, 'fake.yaml'), `name: fake\nstages: { train: {} }\n${report}\n`);
}

test(
  'a configuration’s own report counts, its file is made with its folder, seeds are ' + 'one point',
  async (t) => {
    const folder = temporaryFolder(t);
    await project(folder, '[{ title: Score, x: train.rate, y: train.score }]');
    const { code, stdout, stderr } = await calm(
      ['report', 'fake.yaml', '-o', 'new/page.html', '--json'],
      folder,
    );
    t.is(code, 0, stderr);
    t.is(stderr, '');
    const [{ plots, notRun }] = JSON.parse(stdout).runs;
    t.deepEqual(plots[0].points, [{ x: 'a', y: 3, who: 'ours', low: 2, high: 4, runs: 2 }]);
    t.deepEqual(notRun, []);
    t.regex(readFileSync(join(folder, 'new/page.html'), 'utf8'), /<h2>Newer<\/h2>/);
    t.is((await calm(['report', 'runs/fake', '-o', 'old.html'], folder)).code, 0);
    t.regex(readFileSync(join(folder, 'old.html'), 'utf8'), /<h2>fake<\/h2>/);
  },
);

test(
  'a run that was never made, and a key that no run has, are errors, and no page is ' + 'written',
  async (t) => {
    const folder = temporaryFolder(t);
    await project(folder, '[{ title: Score, x: train.rate, y: train.scre }]');
    const typo = await calm(['report', 'fake.yaml', '-o', 'page.html', '--json'], folder);
    t.is(typo.code, 1);
    t.is(JSON.parse(typo.stdout).error.code, 'CALM_REPORT_KEY');
    t.regex(JSON.parse(typo.stdout).error.hint, /"train\.score"/);
    const missing = await calm(
      ['report', 'fake.yaml', '--set', 'name=other', '-o', 'page.html', '--json'],
      folder,
    );
    t.is(JSON.parse(missing.stdout).error.code, 'CALM_RUN_MISSING');
    t.false(existsSync(join(folder, 'page.html')));
  },
);

test('a damaged metrics.jsonl is named', async (t) => {
  const folder = temporaryFolder(t);
  await project(folder, '[]');
  writeFileSync(join(folder, 'runs/fake/train@a-1/metrics.jsonl'), '{"step":1,"loss":2}\n{"step":2,"lo\n');
  const { code, stderr } = await calm(['report', 'runs/fake'], folder);
  t.is(code, 1);
  t.regex(stderr, /CALM_ARTIFACT_BROKEN.*metrics\.jsonl.*line 2/s);
});

test('calm compare shows two runs, and calm report puts them on one page with each by itself', async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, score] of [
    ['a', 2],
    ['b', 3],
  ] as const) {
    const manifest = {
      config: { size: score },
      fingerprint: name,
      labels: { score: { label: 'score', better: 'higher' } },
    };
    await fakeRun(folder, { train: { base: 'train', metrics: { score }, manifest } }, { name });
  }
  const text = await calm(['compare', 'runs/a', 'runs/b'], folder);
  t.is(text.code, 0, text.stderr);
  t.regex(text.stdout, /^train\.size +2 +3$/m);
  t.regex(text.stdout, /^score ↑ +2 +3 \*$/m);
  const { columns, differences, results } = JSON.parse(
    (await calm(['compare', 'runs/a', 'runs/b', '--json'], folder)).stdout,
  );
  t.deepEqual(
    columns.map((column: { name: string; runs: string[] }) => [column.name, column.runs.length]),
    [
      ['a', 1],
      ['b', 1],
    ],
  );
  t.deepEqual(differences, [{ key: 'train.size', values: ['2', '3'] }]);
  t.like(results[0], { label: 'score', better: 'higher', best: [1] });
  for (const named of [[], ['runs/a'], ['runs/a', 'runs/a']]) {
    const alone = await calm(['compare', ...named, '--json'], folder);
    t.is(JSON.parse(alone.stdout).error.code, 'CALM_COMPARE_NOTHING');
    t.is(alone.code, 1);
  }
  t.is((await calm(['report', 'runs/a', 'runs/b', 'runs/a', '-o', 'page.html'], folder)).code, 0);
  const page = readFileSync(join(folder, 'page.html'), 'utf8');
  t.deepEqual(
    [...page.matchAll(/<h2>([^<]*)<\/h2>/g)].map(([, title]) => title),
    ['Comparison', 'a', 'b'],
  );
});
