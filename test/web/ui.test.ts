/// <reference lib="dom" />
/** The page over a folder of runs: what its server answers and refuses, and what Chromium shows. */

import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Browser } from 'playwright-core';
import { webPageFolder } from '../../src/publish/index.ts';
import { Run } from '../../src/runs/index.ts';
import { type Listening, listen } from '../../src/server/listen.ts';
import type { LoggedLines, RunDetail, RunLine } from '../../src/ui/facts.ts';
import { makeUi, RunsOfFolder, type Ui } from '../../src/ui/index.ts';
import { LogFollower } from '../../src/ui/log-follower.ts';
import { chromiumPath, launchBrowser, NO_BROWSER } from '../helpers/browser.ts';
import { RunningCli } from '../helpers/cli.ts';
import { fakeRun } from '../helpers/report-run.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
const runs = join(folder, 'runs');
const chromium = chromiumPath();
const inBrowser = chromium ? test : test.skip;
const open: { listening: Listening; ui: Ui; stop: AbortController }[] = [];
let browser: Browser | undefined;
let url: string;

/** What would run if any of it were taken for anything but text. */
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
/** The same as the name of a folder. */
const NAME = '<b onmouseover=document.title=3>"&\'%2e%2e';

const CURVE = Array.from({ length: 30 }, (_, i) => ({ step: 10 * (i + 1), loss: 5 - i / 10 }));

test.before('runs that were never made', async (t) => {
  if (!chromium) t.log(`not tested in a browser: ${NO_BROWSER}`);
  const labels = {
    loss: { label: `energy loss ${HOSTILE}`, isCurve: true },
    validationLoss: { label: 'energy loss, held-out', isCurve: true },
    score: { label: 'BrierLM', isHeadline: true, better: 'higher' },
    samples: { label: 'samples', texts: { settings: ['prompt'] } },
  };
  const stages = (score: number, rate: number) => ({
    tokenize: { base: 'tokenize' },
    train: {
      base: 'train',
      metrics: { score, [HOSTILE]: 1, samples: [{ text: HOSTILE, end: 'length' }] },
      curve: CURVE.map((line) => ({ ...line, [HOSTILE]: 2 })),
      events: [{ event: 'written', step: 100, prompt: 'A', text: HOSTILE }],
      manifest: {
        labels,
        config: { prompt: HOSTILE, rate },
        inputs: { tokens: { from: 'tokenize', fingerprint: 'abc' } },
      },
    },
    evaluate: { base: 'evaluate', isMissing: true },
  });
  await fakeRun(folder, stages(2, 0.1), { name: 'good' });
  await fakeRun(folder, stages(1, 0.2), { name: NAME });
  writeFileSync(join(runs, 'good/config.yaml'), `name: "${HOSTILE}"\n`);
  mkdirSync(join(runs, 'broken'));
  writeFileSync(join(runs, 'broken/run.json'), '{');
  writeFileSync(join(folder, 'secret.json'), '{}');
  url = await served();
  if (chromium) browser = await launchBrowser(chromium);
});
test.after.always(async () => {
  await browser?.close();
  for (const { listening, ui, stop } of open) {
    stop.abort();
    await listening.close();
    await ui[Symbol.asyncDispose]();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function served(executable?: string): Promise<string> {
  const stop = new AbortController();
  const ui = makeUi({
    runs: new RunsOfFolder(runs, () => ({})),
    page: webPageFolder(),
    hosts: ['127.0.0.1', 'localhost'],
    executable,
    everyMs: 50,
    stopped: stop.signal,
  });
  const listening = await listen(ui.app, { hostname: '127.0.0.1', port: 0, idleMs: 0, maxConnections: 100 });
  open.push({ listening, ui, stop });
  return `http://127.0.0.1:${listening.port}/`;
}

/** As a client that minds no rule of addresses. */
function raw(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { hostname, port } = new URL(url);
  return new Promise<{ status: number; text: string; headers: object }>((resolve, reject) => {
    request({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
    })
      .on('error', reject)
      .end();
  });
}

const get = async <T>(path: string): Promise<T> => (await fetch(url + path)).json() as Promise<T>;

test('runs with their states and headline numbers, also those that can’t be read', async (t) => {
  const lines = await get<RunLine[]>('api/runs');
  const byName = new Map(lines.map((line) => [line.name, line]));
  t.deepEqual([...byName.keys()].sort(), [NAME, 'broken', 'good'].sort());
  t.is(byName.get('broken')?.state, 'broken');
  t.truthy(byName.get('broken')?.problem);
  t.is(byName.get('good')?.state, 'unfinished');
  t.deepEqual(byName.get('good')?.headline, [{ name: 'BrierLM', value: '2' }]);
});

test('a run: stages and what they take, blocks, configuration', async (t) => {
  const detail = await get<RunDetail>('api/runs/good');
  t.deepEqual(
    detail.stages.map(({ id, state, takes }) => [id, state, takes]),
    [
      ['tokenize', 'done', []],
      ['train', 'done', ['tokenize']],
      ['evaluate', 'not run', []],
    ],
  );
  t.true(detail.blocks.some((block) => block.kind === 'quote' && block.text === HOSTILE));
  t.true(detail.configuration.includes(HOSTILE));
  t.false(detail.hasModel);
});

test('what lies elsewhere is not told, whatever the path', async (t) => {
  const secret = readFileSync(join(folder, 'secret.json'), 'utf8');
  for (const path of [
    '/../secret.json',
    '/assets/../../../secret.json',
    '/assets/..%2f..%2fsecret.json',
    '/..%5c..%5csecret.json',
    '/%2e%2e/secret.json',
    '//secret.json',
    '/api/runs/..',
    '/api/runs/..%2f..%2f',
    '/api/runs/.work',
    '/api/runs/%00',
    '/api/runs/good%2f..%2fgood',
    '/api/runs/nowhere',
    '/api/runs/good/model/..%2fmanifest.json',
    '/api/compare?run=..%2f..&run=good',
    '/package.json',
  ]) {
    const { status, text } = await raw(path);
    t.true(status >= 400, `${path}: ${status}`);
    t.not(text, secret);
  }
});

test('only this machine’s names, no other page, and nothing but reading', async (t) => {
  t.is((await raw('/api/runs', { host: 'evil.example' })).status, 403);
  t.is((await raw('/', { host: 'evil.example' })).status, 403);
  const { headers } = await raw('/api/runs', { origin: 'http://evil.example' });
  t.false('access-control-allow-origin' in headers);
  t.like((await raw('/')).headers, {
    'content-security-policy': "frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  });
  t.is((await raw('/api/runs/good/stop', { 'x-calm': 'page' }, 'POST')).status, 403);
  t.is((await raw('/api/runs/good', {}, 'DELETE')).status, 404);
});

test('control is asked for by the page alone', async (t) => {
  const controlled = await served('/nowhere/calm.js');
  const told = async (headers: Record<string, string>, what = 'stop', name = 'good') =>
    fetch(`${controlled}api/runs/${name}/${what}`, { method: 'POST', headers });
  t.is((await told({})).status, 403);
  t.is((await told({ 'x-calm': 'page', origin: 'http://evil.example' })).status, 403);
  const idle = await told({ 'x-calm': 'page' });
  t.is(idle.status, 400);
  t.regex(await idle.text(), /No process is at work/);
  t.is((await told({ 'x-calm': 'page' }, 'stop', '..%2f..')).status, 400);
  t.is((await told({ 'x-calm': 'page' }, 'remove')).status, 404);
});

test('logs are read as they grow, and anew where they were cut', async (t) => {
  const directory = join(folder, 'growing');
  const work = join(directory, '.work/train');
  mkdirSync(work, { recursive: true });
  const stage = { id: 'train', base: 'train', uses: 'train', fingerprint: 'abc', inputs: {}, outputs: {} };
  writeFileSync(join(directory, 'run.json'), JSON.stringify({ directory, stages: [stage] }));
  writeFileSync(join(work, 'work.json'), JSON.stringify({ fingerprint: 'abc', seconds: 0 }));
  const file = join(work, 'metrics.jsonl');
  const follower = new LogFollower();
  const look = async (): Promise<LoggedLines[]> => follower.look(await Run.open(directory));
  writeFileSync(file, '{"step":1,"loss":3}\n{"step":2,"lo');
  t.like((await look())[0], { stage: 'train', from: 0, lines: [{ step: 1, loss: 3 }] });
  t.deepEqual(await look(), []);
  appendFileSync(file, 'ss":2,"name":"x"}\nno JSON\n');
  t.like((await look())[0], { from: 1, lines: [{ step: 2, loss: 2 }] });
  writeFileSync(file, '{"step":1,"loss":9}\n');
  t.like((await look())[0], { from: 0, lines: [{ step: 1, loss: 9 }] });
  appendFileSync(join(work, 'events.jsonl'), '{"event":"written","step":5,"prompt":"","text":"a"}\n');
  t.deepEqual((await look())[0].texts, [{ step: 5, prompt: '', text: 'a' }]);
});

test('a long log is thinned, and keeps its last line', async (t) => {
  const directory = join(folder, 'long');
  mkdirSync(join(directory, '.work/train'), { recursive: true });
  const stage = { id: 'train', base: 'train', uses: 'train', fingerprint: 'abc', inputs: {}, outputs: {} };
  writeFileSync(join(directory, 'run.json'), JSON.stringify({ directory, stages: [stage] }));
  writeFileSync(join(directory, '.work/train/work.json'), JSON.stringify({ fingerprint: 'abc', seconds: 0 }));
  const lines = Array.from({ length: 9001 }, (_, i) => `{"step":${i + 1},"loss":1}\n`);
  writeFileSync(join(directory, '.work/train/metrics.jsonl'), lines.join(''));
  const [{ lines: told }] = new LogFollower().look(await Run.open(directory));
  t.true(told.length <= 2001 && told.length > 1000);
  t.is(told.at(-1)?.step, 9001);
});

/** A page that says what it should not have. */
async function openPage(place: string, { width = 1280, from = url, isDark = false } = {}) {
  const context = await (browser as Browser).newContext({
    viewport: { width, height: 800 },
    colorScheme: isDark ? 'dark' : 'light',
  });
  // However busy the machine is.
  context.setDefaultTimeout(200_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (asked) => {
    if (!asked.url().startsWith(from)) faults.push(`asked for ${asked.url()}`);
  });
  await page.goto(from + place);
  return { page, faults, close: () => context.close() };
}

inBrowser('hostile names, labels, metrics and samples are shown as text, in every view', async (t) => {
  const { page, faults, close } = await openPage('');
  await page.getByRole('link', { name: NAME }).click();
  await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
  await page.locator('.plot canvas').first().waitFor();
  await page.getByText('All numbers, costs and settings').click();
  t.true((await page.locator('blockquote').first().textContent())?.includes(HOSTILE));
  t.true((await page.locator('.samples').textContent())?.includes(HOSTILE));
  t.regex((await page.locator('.curves').first().textContent()) ?? '', /energy loss <img/);
  await page.getByText('Log of train').click();
  await page.getByRole('link', { name: 'Runs' }).click();
  await page.getByLabel('Compare good').check();
  await page.getByLabel(`Compare ${NAME}`).check();
  await page.getByRole('link', { name: 'Compare 2' }).click();
  await page.locator('.curves').first().waitFor();
  t.regex((await page.locator('table').first().textContent()) ?? '', /train\.rate.*0\.[12].*0\.[12]/);
  t.is(await page.locator('main img, main script, main b[onmouseover]').count(), 0);
  t.notRegex(await page.title(), /^\d$/);
  t.deepEqual(faults, []);
  await close();
});

inBrowser('a phone shows every view without scrolling aside, in the dark too', async (t) => {
  for (const place of ['', '#/run/good', '#/compare/good']) {
    const { page, close } = await openPage(place, { width: 360, isDark: true });
    await page.locator('main table, main .headline, main .problem').first().waitFor();
    t.is(await page.evaluate(() => document.documentElement.scrollWidth), 360, place);
    await close();
  }
});

inBrowser('a run is watched as it trains, stopped and resumed', async (t) => {
  t.timeout(240_000);
  const project = join(folder, 'project');
  mkdirSync(project);
  const config = writeTinyProject(
    project,
    { 'train-autoencoder': { steps: 40_000, checkpointEvery: 5000 } },
    { name: 'live' },
  );
  const training = new RunningCli(['run', config], project);
  const ui = new RunningCli(['ui', 'runs', '--port', '0', '--allow-control'], project);
  t.teardown(async () => {
    training.process.kill('SIGTERM');
    ui.process.kill('SIGTERM');
    await Promise.all([training.result, ui.result]);
  });
  const from = await new Promise<string>((resolve) => {
    ui.process.stderr?.on('data', (chunk) => {
      const [found] = /http:\S+/.exec(String(chunk)) ?? [];
      if (found) resolve(found);
    });
  });
  while (!(await isThere(join(project, 'runs/live/.work/train-autoencoder/metrics.jsonl')))) await sleep(50);
  const { page, faults, close } = await openPage('#/run/live', { from });
  const plot = page.locator('.plot[role=img]').first();
  await plot.waitFor();
  const before = await plot.getAttribute('aria-label');
  await page.waitForFunction(
    (old) => document.querySelector('.plot[role=img]')?.getAttribute('aria-label') !== old,
    before,
  );
  t.regex((await page.locator('.progress').textContent()) ?? '', /train-autoencoder .* of 40/);
  await page.getByRole('button', { name: 'Stop' }).click();
  t.not((await training.result).code, 0);
  await page.getByText('was stopped at').waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('is at work', { exact: false }).first().waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('No process is at work.').waitFor();
  t.deepEqual(faults, []);
  await close();
});

async function isThere(file: string): Promise<boolean> {
  try {
    return readFileSync(file, 'utf8').split('\n').length > 3;
  } catch {
    return false;
  }
}
