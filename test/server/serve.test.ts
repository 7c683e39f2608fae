/** The completions API, asked by OpenAI's own client and by hand. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import OpenAI from 'openai';
import { load, type Model } from '../../src/library/index.ts';
import { RandomStream } from '../../src/random.ts';
import { type Listening, listen, makeApp, type ServerOptions } from '../../src/server/index.ts';
import { calm, RunningCli } from '../helpers/cli.ts';
import { makeLibraryRuns } from '../helpers/library-runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
/** The people who speak, and what they say. */
const TEMPLATE =
  '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}of {% endif %}';
let model: Model;
let transformer: Model;
const open: Listening[] = [];

test.before('runs are made and loaded', async (t) => {
  t.timeout(240_000);
  const runs = await makeLibraryRuns(folder);
  writeFileSync(join(runs.calm, 'train-lm/model/chat_template.jinja'), TEMPLATE);
  model = await load(runs.calm);
  transformer = await load(runs.transformer);
});
test.after.always(async () => {
  for (const listening of open) await listening.close();
  await model?.dispose();
  await transformer?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const models = () =>
  [
    { id: 'quickstart', model },
    { id: 'transformer', model: transformer },
  ] as const;

const OPTIONS = {
  hosts: ['127.0.0.1', 'localhost'],
  requestsAtOnce: 2,
  mostWaiting: 2,
  timeoutMs: 60_000,
  maxTokens: 2000,
  maxPromptTokens: 2000,
  maxTexts: 16,
  maxBodyBytes: 10_000,
  stopped: new AbortController().signal,
};

async function served(changes: Partial<ServerOptions> = {}): Promise<string> {
  const app = makeApp({ ...OPTIONS, models: models(), ...changes });
  const where = { hostname: '127.0.0.1', port: 0, idleMs: 60_000, maxConnections: 200 };
  const listening = await listen(app, where);
  open.push(listening);
  return `http://127.0.0.1:${listening.port}`;
}

const client = (url: string, apiKey = 'none') => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const FEW = { num_candidates: 8 } as object;

async function wholeText(prompt: string, options: Parameters<Model['generate']>[1]): Promise<string> {
  let text = '';
  for await (const piece of model.generate(prompt, options)) text += piece;
  return text;
}

const ask = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

test('OpenAI’s client: models, a text, several, in pieces, with the text of the library', async (t) => {
  const openai = client(await served());
  const ids = [];
  for await (const { id } of openai.models.list()) ids.push(id);
  t.deepEqual(ids, ['quickstart', 'transformer']);
  const asked = {
    model: 'quickstart',
    prompt: 'the people',
    max_tokens: 12,
    temperature: 0.5,
    seed: 4,
    ...FEW,
  };
  const options = { temperature: 0.5, maxTokens: 12, seed: 4, numCandidates: 8 };
  const whole = await openai.completions.create({ ...asked, n: 2 });
  const texts = [
    await wholeText('the people', options),
    await wholeText('the people', { ...options, index: 1 }),
  ];
  t.deepEqual(
    whole.choices.map(({ text, index }) => [index, text]),
    texts.map((text, index) => [index, text]),
  );
  t.deepEqual(
    whole.choices.map(({ finish_reason }) => finish_reason),
    ['length', 'length'],
  );
  t.deepEqual(whole.usage, { prompt_tokens: 10, completion_tokens: 24, total_tokens: 34 } as never);
  let streamed = '';
  const reasons = [];
  const usages = [];
  const stream = await openai.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const { choices, usage } of stream) {
    streamed += choices[0]?.text ?? '';
    if (choices[0]?.finish_reason) reasons.push(choices[0].finish_reason);
    if (usage) usages.push(usage.completion_tokens);
  }
  t.is(streamed, texts[0]);
  t.deepEqual([reasons, usages], [['length'], [12]]);
});

test('lists of prompts, token ids, echo, stop, a Transformer', async (t) => {
  const openai = client(await served());
  const base = { model: 'quickstart', max_tokens: 8, temperature: 0.5, seed: 4, ...FEW };
  const { tokens } = await model.encode('the people');
  const [byText, byIds, both] = [
    await openai.completions.create({ ...base, prompt: 'the people', echo: true }),
    await openai.completions.create({ ...base, prompt: [...tokens], echo: true }),
    await openai.completions.create({ ...base, prompt: ['the people', 'and'] }),
  ];
  t.true(byText.choices[0]?.text.startsWith('the people'));
  t.is(byIds.choices[0]?.text, byText.choices[0]?.text);
  t.is(both.choices.length, 2);
  t.is(`the people${both.choices[0]?.text}`, byText.choices[0]?.text);
  const text = both.choices[0]?.text ?? '';
  const stopped = await openai.completions.create({
    ...base,
    prompt: 'the people',
    stop: [text.slice(3, 5)],
  });
  t.is(stopped.choices[0]?.finish_reason, 'stop');
  t.true(text.startsWith(stopped.choices[0]?.text ?? '?'));
  const other = await openai.completions.create({
    model: 'transformer',
    prompt: 'the',
    max_tokens: 4,
    top_p: 0.9,
  });
  t.is(other.usage?.completion_tokens, 4);
});

test('what was drawn for each patch, and how often', async (t) => {
  const url = await served();
  const asked = {
    model: 'quickstart',
    prompt: 'the people',
    max_tokens: 12,
    temperature: 0.5,
    seed: 4,
    ...FEW,
  };
  const documentOf = async (changes: object) => (await ask(url, { ...asked, ...changes })).json();
  const plain = (await documentOf({})) as { choices: { text: string; calm: object }[] };
  t.deepEqual(plain.choices[0].calm, { num_patches: 6, draws: 48, fallbacks: 0 });
  for (const sampler of ['batch', 'exact']) {
    const { choices } = (await documentOf({ candidates: 100, sampler, n: 2 })) as Drawn;
    for (const { text, calm: own } of choices) {
      const { patches, draws } = own;
      t.is(patches.map((patch) => patch.text).join(''), text);
      t.is(
        patches.flatMap(({ candidates }) => candidates).reduce((sum, { count }) => sum + count, 0),
        draws,
      );
      for (const patch of patches) {
        t.true(patch.candidates.some(({ text: one }) => one === patch.text));
        t.deepEqual(
          patch.candidates,
          patch.candidates.toSorted((a, b) => b.count - a.count),
        );
      }
    }
    t.true(choices.some(({ calm: { patches } }) => patches.some(({ candidates }) => candidates.length > 1)));
    if (sampler === 'batch') t.is(choices[0].text, plain.choices[0].text, 'counting changes no text');
  }
  const pieces = await (await ask(url, { ...asked, candidates: 1, stream: true })).text();
  const streamed = pieces.split('\n\n').flatMap((line) => {
    if (!line.startsWith('data: {')) return [];
    return (JSON.parse(line.slice(6)) as Drawn).choices[0].calm.patches;
  });
  t.is(streamed.map(({ text }) => text).join(''), plain.choices[0].text);
  t.true(streamed.every(({ candidates }) => candidates.length === 1));
});

interface Drawn {
  choices: {
    text: string;
    calm: {
      draws: number;
      patches: { text: string; candidates: { text: string; count: number }[] }[];
    };
  }[];
}

test('a chat is continued by the tokenizer’s template, and refused where there is none', async (t) => {
  const openai = client(await served());
  const messages = [
    { role: 'system', content: 'the' },
    { role: 'user', content: [{ type: 'text', text: 'people' }] },
  ] as const;
  const asked = {
    model: 'quickstart',
    messages: [...messages],
    max_tokens: 12,
    temperature: 0.5,
    seed: 4,
    ...FEW,
  };
  const text = await wholeText('system: the\nuser: people\nof ', {
    temperature: 0.5,
    maxTokens: 12,
    seed: 4,
    numCandidates: 8,
  });
  const { choices, object } = await openai.chat.completions.create(asked as never);
  t.is(object, 'chat.completion');
  t.like(choices[0], { message: { role: 'assistant', content: text }, finish_reason: 'length' });
  let streamed = '';
  const roles = [];
  const stream = await openai.chat.completions.create({ ...asked, stream: true } as never);
  for await (const chunk of stream as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) {
    streamed += chunk.choices[0].delta.content;
    if (chunk.choices[0].delta.role) roles.push(chunk.choices[0].delta.role);
  }
  t.is(streamed, text);
  t.deepEqual(roles, ['assistant']);
  const refused = [
    [{ model: 'transformer' }, /no chat template/],
    [{ messages: [] }, /messages/],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, /messages\.0\.content/],
    [{ tools: [{}] }, /call no tools/],
    [{ response_format: { type: 'json_object' } }, /only text is written/],
  ] as const;
  for (const [changes, message] of refused)
    await t.throwsAsync(openai.chat.completions.create({ ...asked, ...changes } as never), { message });
});

test('requests at once are one batch, and each is what it is alone', async (t) => {
  const openai = client(await served({ requestsAtOnce: 8 }));
  const asked = (i: number) => ({
    model: i % 3 === 2 ? 'transformer' : 'quickstart',
    prompt: ['the people', 'of', 'a longer prompt of the people than the others'][i % 3],
    max_tokens: 6 + 3 * i,
    temperature: 0.5 + 0.1 * (i % 3),
    seed: i,
    ...(i % 3 === 2 ? {} : FEW),
  });
  const text = async (i: number) => (await openai.completions.create(asked(i))).choices[0].text;
  const alone = [];
  for (let i = 0; i < 7; i++) alone.push(await text(i));
  t.deepEqual(await Promise.all(alone.map((_, i) => text(i))), alone);
});

test('what can’t be done is refused in words, and names its field', async (t) => {
  const url = await served();
  const cases: [body: unknown, status: number, message: RegExp][] = [
    [{ temperature: 0 }, 400, /^temperature: must be above 0/],
    [{ temperature: 1.5 }, 400, /^temperature: must be above 0 and at most 1/],
    [{ logprobs: 3 }, 400, /^logprobs: a CALM has no probabilities/],
    [{ best_of: 2 }, 400, /^best_of: /],
    [{ suffix: 'x' }, 400, /^suffix: /],
    [{ prompt: [1, 99_999] }, 400, /token id 99999/],
    [{ prompt: Array(2001).fill(1) }, 400, /2001 tokens; 2000 are allowed/],
    [{ prompt: [] }, 400, /^prompt/],
    [{ n: 17 }, 400, /at most 16 texts/],
    [{ max_tokens: 1e6 }, 400, /^max_tokens/],
    [{ top_k: 3 }, 400, /topK/],
    [{ model: 'gpt-4' }, 404, /no model "gpt-4" here\. There are: quickstart, transformer/],
    ['{', 400, /no JSON/],
    [{ prompt: 'x'.repeat(20_000) }, 413, /larger than 10000 bytes/],
  ];
  for (const [body, status, message] of cases) {
    const merged = typeof body === 'string' ? body : { model: 'quickstart', ...(body as object) };
    const response = await ask(url, merged);
    const { error } = (await response.json()) as { error: { message: string; code: number } };
    t.is(response.status, status, error.message);
    t.regex(error.message, message);
    t.is(error.code, status);
  }
  t.is((await fetch(`${url}/nothing`)).status, 404);
});

test('whatever is sent, the answer is no defect', async (t) => {
  const defects: unknown[] = [];
  const url = await served({ onDefect: (error) => defects.push(error), mostWaiting: 100, maxTokens: 4 });
  const stream = new RandomStream(1, 'requests');
  const pick = <T>(values: readonly T[]) => values[Math.floor(stream.nextUniform() * values.length)] as T;
  const odd = [
    null,
    '',
    'x',
    '\u0000',
    '\ud800',
    0,
    1,
    -1,
    0.5,
    1e308,
    [],
    [[]],
    {},
    [1],
    [1e9],
    [['a']],
    true,
  ];
  const fields = ['model', 'prompt', 'n', 'max_tokens', 'temperature', 'top_p', 'stop', 'seed', 'stream'];
  const more = ['echo', 'sampler', 'num_candidates', 'logprobs', 'logit_bias', 'stream_options', '__proto__'];
  for (let i = 0; i < 300; i++) {
    const body: Record<string, unknown> = { model: 'quickstart', max_tokens: 2, num_candidates: 2 };
    for (let j = 0; j < 2; j++) body[pick([...fields, ...more])] = pick(odd);
    const response = await ask(url, pick([JSON.stringify(body), JSON.stringify(pick(odd)), '{"prompt":']));
    await response.text();
    t.true(response.status < 500, JSON.stringify(body));
  }
  t.deepEqual(defects, []);
});

test('a key, the host, pages from elsewhere', async (t) => {
  const url = await served({ apiKey: 'secret', allowOrigins: ['https://here.example'] });
  for (const authorization of ['', 'Bearer wrong', 'Bearer secre', 'secret'])
    t.is((await fetch(`${url}/v1/models`, { headers: { authorization } })).status, 401, authorization);
  t.is((await client(url, 'secret').models.list()).data.length, 2);
  t.is((await fetch(`${url}/health`)).status, 200, 'a probe needs no key');
  t.is((await fetch(`${url}/metrics`)).status, 401);
  const port = Number(new URL(url).port);
  const status = await new Promise((resolve) => {
    const sent = request({ port, host: '127.0.0.1', path: '/v1/models', headers: { host: 'evil.example' } });
    sent.on('response', ({ statusCode }) => resolve(statusCode)).end();
  });
  t.is(status, 403);
  const from = (origin: string) =>
    fetch(`${url}/v1/models`, { headers: { origin, authorization: 'Bearer secret' } });
  t.is(
    (await from('https://here.example')).headers.get('access-control-allow-origin'),
    'https://here.example',
  );
  const evil = await from('https://evil.example');
  t.is(evil.status, 403);
  t.is((await from(url)).status, 200, 'a page of the server itself');
  t.is(evil.headers.get('access-control-allow-origin'), null);
});

const LONG = {
  model: 'quickstart',
  max_tokens: 2000,
  sampler: 'exact',
  temperature: 0.05,
  draw_budget: 3000,
};

test('a full queue says when to ask again; whoever goes makes room', async (t) => {
  const url = await served({ requestsAtOnce: 1, mostWaiting: 1 });
  const leaving = new AbortController();
  const running = fetch(`${url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify(LONG),
    signal: leaving.signal,
  }).catch(() => 'gone');
  await until(async () => (await numbersOf(url)).calm_requests_running === 1);
  const waiting = ask(url, { model: 'quickstart', prompt: 'the', max_tokens: 2, ...FEW });
  await until(async () => (await numbersOf(url)).calm_requests_waiting === 1);
  const refused = await ask(url, { model: 'quickstart', prompt: 'the', max_tokens: 2 });
  t.is(refused.status, 429);
  t.is(refused.headers.get('retry-after'), '1');
  leaving.abort();
  t.is(await running, 'gone');
  t.is((await waiting).status, 200);
  await until(async () => (await numbersOf(url)).calm_requests_running === 0);
  const { 'calm_requests_total{status="429"}': numRefused } = await numbersOf(url);
  t.is(numRefused, 1);
});

test('a request that takes too long, and a client that leaves a stream, end', async (t) => {
  const url = await served({ timeoutMs: 500 });
  t.is((await ask(url, LONG)).status, 504);
  const patient = await served();
  const leaving = new AbortController();
  const response = await fetch(`${patient}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...LONG, stream: true }),
    signal: leaving.signal,
  });
  t.is(response.headers.get('content-type')?.split(';')[0], 'text/event-stream');
  leaving.abort();
  await until(async () => (await numbersOf(patient)).calm_requests_running === 0);
  t.pass();
});

test('a client that reads nothing gives up its place when its time is over', async (t) => {
  const app = makeApp({ ...OPTIONS, models: models(), timeoutMs: 5000, requestsAtOnce: 1 });
  const headers = { host: 'localhost' };
  const body = JSON.stringify({ ...LONG, temperature: 1, stream: true });
  const unread = await app.request('/v1/completions', { method: 'POST', headers, body });
  t.is(unread.status, 200);
  const metrics = async () => (await app.request('/metrics', { headers })).text();
  await until(async () => /calm_requests_running 0/.test(await metrics()));
  t.regex(await metrics(), /calm_requests_total{status="504"} 1/);
});

test('a client that goes while it sends is no defect', async (t) => {
  const defects: unknown[] = [];
  const url = await served({ onDefect: (error) => defects.push(error) });
  for (const size of ['content-length: 500', 'transfer-encoding: chunked']) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`POST /v1/completions HTTP/1.1\r\nhost: localhost\r\n${size}\r\n\r\n`);
    await sleep(50);
    socket.destroy();
    await once(socket, 'close');
    await sleep(50);
  }
  t.is((await fetch(`${url}/health`)).status, 200);
  t.deepEqual(defects, []);
});

test('calm serve: a run by its name, until it is told to stop', async (t) => {
  t.timeout(120_000);
  const cli = new RunningCli(['serve', 'runs/quickstart', '--port', '0'], folder);
  t.teardown(() => cli.process.kill('SIGKILL'));
  let said = '';
  cli.process.stderr?.on('data', (data) => {
    said += data;
  });
  await until(async () => /\/v1\n/.test(said));
  const [url = ''] = /http:\S+(?=\/v1)/.exec(said) ?? [];
  const scored = await calm(
    ['eval', 'brierlm', 'runs/quickstart', '--endpoint', `${url}/v1`, '--num-windows', '12', '--json'],
    folder,
  );
  t.is(scored.code, 0, scored.stderr);
  t.regex(scored.stdout, /"numSamples": 2,/);
  cli.process.kill('SIGTERM');
  const { code, stdout } = await cli.result;
  t.is(code, 0, stdout);
  const elsewhere = await calm(['serve', 'runs/quickstart', '--host', '0.0.0.0'], folder);
  t.regex(elsewhere.stderr, /CALM_SERVE[\s\S]*no key is set/);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error('it never was so');
}

async function numbersOf(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.replace(/ [^ ]*$/, ''), Number(line.split(' ').at(-1))]),
  );
}
