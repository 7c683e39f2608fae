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
