/// <reference lib="dom" />
/** A model as a web folder: what the command writes, and what Chromium makes of it. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Browser, Page } from 'playwright-core';
import { listen } from '../../src/server/listen.ts';
import { makeUi, RunsOfFolder } from '../../src/ui/index.ts';
import { chromiumPath, launchBrowser, NO_BROWSER, serveFolder } from '../helpers/browser.ts';
import { calm } from '../helpers/cli.ts';
import { type LibraryRuns, makeLibraryRuns } from '../helpers/library-runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
const chromium = chromiumPath();
const inBrowser = chromium ? test : test.skip;
let runs: LibraryRuns;
let browser: Browser;
let page: Awaited<ReturnType<typeof serveFolder>>;

test.before('a web folder of both models', async (t) => {
  t.timeout(240_000);
  if (!chromium) t.log(`not tested in a browser: ${NO_BROWSER}`);
  runs = await makeLibraryRuns(folder);
  const asked = ['export', runs.calm, '--to-web', 'web', '--beside', runs.transformer];
  const { code, stdout, stderr } = await calm(asked, folder);
  t.is(code, 0, stderr);
  t.regex(stdout, /^web: .* MB, for any web server/);
  page = await serveFolder(join(folder, 'web'));
  if (chromium) browser = await launchBrowser(chromium);
});
test.after.always(async () => {
  await browser?.close();
  page?.server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The page, ready to write; and what it said that it should not have. */
async function openPage(
  options: Parameters<Browser['newContext']>[0] = {},
  engine = 'wasm',
  on = browser,
  url = page.url,
) {
  const context = await on.newContext(options);
  // However busy the machine is.
  context.setDefaultTimeout(200_000);
  const opened = await context.newPage();
  const faults: string[] = [];
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  opened.on('pageerror', (error) => faults.push(String(error)));
  opened.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin)) faults.push(`asked for ${request.url()}`);
  });
  await opened.goto(url);
  await opened.getByText('How it is drawn and computed').click();
  await opened.getByLabel('Computed by').selectOption(engine);
  await opened.waitForFunction(() => !document.querySelector<HTMLButtonElement>('button.primary')?.disabled);
  return { opened, faults, close: () => context.close() };
}

interface Asked {
  readonly prompt: string;
  readonly seed: number;
  readonly temperature: number;
  readonly tokens: number;
  readonly candidates: number;
  readonly sampler: 'batch' | 'exact';
}

/** Lets the page write; returns the texts of both models, without the prompt. */
async function write(opened: Page, { prompt, seed, temperature, tokens, candidates, sampler }: Asked) {
  await opened.getByLabel('Prompt').fill(prompt);
  await opened.getByLabel('Seed', { exact: true }).fill(String(seed));
  await opened.getByLabel('Temperature', { exact: true }).fill(String(temperature));
  await opened.getByLabel('Tokens', { exact: true }).fill(String(tokens));
  await opened.getByLabel('Candidates a patch').fill(String(candidates));
  await opened.getByLabel('Sampler').selectOption(sampler);
  await opened.getByRole('button', { name: 'Write' }).click();
  await opened.waitForFunction(() =>
    [...document.querySelectorAll('.facts')].every((facts) => facts.textContent?.includes('tokens/s')),
  );
  return opened.locator('.patches').allTextContents();
}

/** What the command writes with the weights of the folder. */
async function sampled(
  model: string,
  { prompt, seed, temperature, tokens, ...choice }: Asked,
  isCalm: boolean,
) {
  const how = isCalm ? ['--sampler', choice.sampler, '--num-candidates', String(choice.candidates)] : [];
  const given = [
    '--seed',
    String(seed),
    '--temperature',
    String(temperature),
    '--max-tokens',
    String(tokens),
  ];
  const command = ['sample', model, '--engine', 'wasm', '--json', '--num-samples', '1', '--prompt', prompt];
  const { code, stdout, stderr } = await calm([...command, ...given, ...how], folder);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { samples: [{ text: string }] }).samples[0].text;
}

inBrowser('the same seed gives the same text as calm sample --engine wasm, of both models', async (t) => {
  const { opened, faults, close } = await openPage();
  const asked: Asked[] = [
    { prompt: 'the people of', seed: 3, temperature: 0.5, tokens: 24, candidates: 40, sampler: 'batch' },
    { prompt: '', seed: 11, temperature: 1, tokens: 16, candidates: 8, sampler: 'batch' },
    { prompt: 'a <b>nation</b> 🙂', seed: 4, temperature: 0.7, tokens: 12, candidates: 8, sampler: 'exact' },
  ];
  for (const one of asked) {
    const texts = await write(opened, one);
    t.is(texts[0], await sampled('web/model', one, true));
    t.is(texts[1], await sampled('web/model-2', one, false));
  }
  t.deepEqual(faults, []);
  await close();
});

inBrowser('a patch is chosen by keys; its draws stay while the temperature moves', async (t) => {
  const { opened, faults, close } = await openPage();
  const asked = { prompt: 'the people', seed: 5, temperature: 0.5, tokens: 12, candidates: 64 } as const;
  await write(opened, { ...asked, sampler: 'batch' });
  const list = opened.getByRole('listbox').first();
  await list.focus();
  await opened.keyboard.press('ArrowRight');
  await opened.keyboard.press('ArrowRight');
  const chosen = opened.locator('.patch[aria-selected=true]');
  t.is(await chosen.count(), 1);
  t.regex((await chosen.getAttribute('aria-label')) ?? '', /^2: /);
  const inspector = opened.locator('.inspector');
  await inspector.locator('table').waitFor();
  t.regex((await inspector.textContent()) ?? '', /64 draws gave \d+ different patches/);
  // At the temperature of the text the choice is the patch that was written.
  const row = inspector.locator('tr.chosen');
  t.regex((await row.textContent()) ?? '', /written/);
  const chances = () => inspector.locator('tbody td:last-child').allTextContents();
  const drawn = () =>
    inspector.locator('tbody tr').evaluateAll((rows) => rows.map((one) => one.textContent).sort());
  const [before, drawsBefore] = [await chances(), await drawn()];
  await inspector.getByLabel('Temperature of this choice').fill('1');
  t.notDeepEqual(await chances(), before);
  await inspector.getByLabel('Temperature of this choice').fill('0.5');
  t.deepEqual(await drawn(), drawsBefore);
  t.is(await inspector.locator('svg.plane circle:not(.mark)').count(), 64);
  // The discrete model has probabilities in the place of draws.
  await opened.locator('.patch').last().click();
  await inspector.getByText('probability', { exact: true }).waitFor();
  t.deepEqual(faults, []);
  await close();
});

inBrowser('script in a prompt stays text, and nothing runs that the page did not bring', async (t) => {
  const { opened, faults, close } = await openPage();
  const prompt = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  await write(opened, { prompt, seed: 1, temperature: 1, tokens: 4, candidates: 8, sampler: 'batch' });
  t.is(await opened.locator('.written .prompt').first().textContent(), prompt);
  t.is(await opened.locator('.written img, .written script').count(), 0);
  t.is(await opened.title(), 'calm');
  t.deepEqual(faults, []);
  // The page's own rules stop what gets in all the same.
  const stopped = await opened.evaluate(async () => {
    const fetched = await fetch('http://example.invalid/').then(
      () => 'sent',
      () => 'refused',
    );
    const script = document.createElement('script');
    script.textContent = 'document.title = 3';
    document.body.append(script);
    return [fetched, document.title];
  });
  t.deepEqual(stopped, ['refused', 'calm']);
  await close();
});

inBrowser('a phone shows all of it, and every control has a name', async (t) => {
  const { opened, close } = await openPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
  const asked = { prompt: 'the', seed: 1, temperature: 0.5, tokens: 8, candidates: 16 } as const;
  await write(opened, { ...asked, sampler: 'batch' });
  await opened.locator('.patch').first().click();
  await opened.locator('.inspector svg.plane').waitFor();
  t.is(await opened.evaluate(() => document.documentElement.scrollWidth), 360);
  const nameless = await opened
    .locator('input, select, textarea, button')
    .evaluateAll((all) =>
      (all as HTMLInputElement[])
        .filter((one) => !one.textContent?.trim() && !one.labels?.length && !one.ariaLabel)
        .map(({ outerHTML }) => outerHTML),
    );
  t.deepEqual(nameless, []);
  await close();
});

inBrowser('calm ui plays with the model of a run as the folder does', async (t) => {
  const stop = new AbortController();
  const ui = makeUi({
    runs: new RunsOfFolder(join(folder, 'runs'), () => ({})),
    page: join(folder, 'web'),
    hosts: ['127.0.0.1'],
    stopped: stop.signal,
  });
  const listening = await listen(ui.app, { hostname: '127.0.0.1', port: 0, idleMs: 0, maxConnections: 100 });
  t.teardown(async () => {
    stop.abort();
    await listening.close();
    await ui[Symbol.asyncDispose]();
  });
  const asked = {
    prompt: 'the',
    seed: 9,
    temperature: 0.6,
    tokens: 10,
    candidates: 16,
    sampler: 'batch',
  } as const;
  const exported = await openPage();
  const [text] = await write(exported.opened, asked);
  await exported.close();
  const url = `http://127.0.0.1:${listening.port}/`;
  const { opened, faults, close } = await openPage({}, 'wasm', browser, `${url}#/play/quickstart`);
  t.deepEqual(await write(opened, asked), [text]);
  t.deepEqual(faults, []);
  await close();
});

inBrowser('WebGPU writes too, where there is one', async (t) => {
  const own = await launchBrowser(chromium as string, { hasGpu: true });
  t.teardown(() => own.close());
  const blank = await own.newPage();
  await blank.goto(page.url);
  const hasGpu = await blank.evaluate(async () => {
    const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
    return Boolean(await gpu?.requestAdapter());
  });
  if (!hasGpu) {
    t.log('not tested: this Chromium has no WebGPU');
    t.pass();
    return;
  }
  const { opened, faults } = await openPage({}, 'webgpu', own);
  const asked = { prompt: 'the', seed: 1, temperature: 0.5, tokens: 4, candidates: 4 } as const;
  const [text, discrete] = await write(opened, { ...asked, sampler: 'batch' });
  t.not(text, '');
  t.not(discrete, '');
  t.regex((await opened.locator('.facts').first().textContent()) ?? '', /WebGPU/);
  t.deepEqual(faults, []);
});

test('the folder names no address to fetch from, and is a model folder', async (t) => {
  const files = readdirSync(join(folder, 'web'), { recursive: true, encoding: 'utf8' });
  for (const name of ['index.html', 'page.json', 'model/model.safetensors', 'model-2/config.json'])
    t.true(files.includes(name), name);
  const html = readFileSync(join(folder, 'web/index.html'), 'utf8');
  t.notRegex(html, /https?:/);
  t.regex(html, /default-src 'none'/);
  const { models } = JSON.parse(readFileSync(join(folder, 'web/page.json'), 'utf8'));
  t.deepEqual(
    models.map(({ kind, seed }: { kind: string; seed: number }) => [kind, seed]),
    [
      ['calm', 3],
      ['transformer', 4],
    ],
  );
  // f16 and f32 of one run differ, and say so by their size.
  const { code, stdout } = await calm(
    ['sample', 'web/model', '--max-tokens', '4', '--num-samples', '1'],
    folder,
  );
  t.is(code, 0);
  t.not(stdout, '');
});

test('what can be no web folder is refused, and nothing is left', async (t) => {
  const twice = await calm(['export', runs.calm, '--to-web', 'web'], folder);
  t.is(twice.code, 1);
  t.regex(twice.stderr, /web is there already.[\s\S]*--to-web/);
  const both = await calm(['export', runs.calm, '--to-web', 'other', '--to', 'x'], folder);
  t.is(both.code, 2);
  const none = await calm(['export', runs.calm, '--to-web', 'other', '--beside', 'nowhere'], folder);
  t.is(none.code, 1);
  t.regex(none.stderr, /nowhere/);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('other')),
    [],
  );
});
