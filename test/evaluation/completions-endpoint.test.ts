import test, { type ExecutionContext } from 'ava';
import { ByteTokenizer } from 'calm-lm/data';
import type { CalmError } from 'calm-lm/errors';
import { CompletionsEndpoint, type CompletionsOptions } from 'calm-lm/evaluation';
import { type Answer, type Asked, complete, serveCompletions } from '../helpers/completions-server.ts';

const bytes = (text: string) => Int32Array.from(Buffer.from(text));

function sampler(t: ExecutionContext, endpoint: string, options: Partial<CompletionsOptions> = {}) {
  const made = new CompletionsEndpoint({
    endpoint,
    model: 'm',
    tokenizer: new ByteTokenizer(),
    timeoutMs: 5000,
    firstWaitMs: 1,
    ...options,
  });
  t.teardown(() => made.close());
  return made;
}

/** What the sampler throws at a server of this kind, and how often the server was asked. */
async function failureOf(
  t: ExecutionContext,
  answer: Answer,
  options: Partial<CompletionsOptions> = {},
  prompt = 'x',
): Promise<{ error: CalmError; numAsked: number; endpoint: string }> {
  const { endpoint, asked } = await serveCompletions(t, answer);
  const error = (await t.throwsAsync(sampler(t, endpoint, options).sample(bytes(prompt), 2, 4))) as CalmError;
  t.is(error.name, 'CalmError', String(error.stack));
  return { error, numAsked: asked.length, endpoint };
}

/** Texts that the sampler takes from a server of this kind for the prompt x. */
async function textsFrom(t: ExecutionContext, answer: Answer, options: Partial<CompletionsOptions> = {}) {
  const { endpoint, asked } = await serveCompletions(t, answer);
  const found = await sampler(t, endpoint, options).sample(bytes('x'), 2, 4);
  return { texts: found.map((ids) => Buffer.from(ids).toString()), numAsked: asked.length };
}

const body =
  (text: string): Answer =>
  (_, response) =>
    response.end(text);
const json = (value: unknown): Answer => body(JSON.stringify(value));

test('a server without top_k and min_p is asked without them from then on, which is said once', async (t) => {
  const message = 'Unrecognized request argument supplied: top_k';
  const { endpoint, asked } = await serveCompletions(t, (request, response) => {
    if (!('top_k' in request)) return complete(response, ['abcd', 'efgh']);
    response.statusCode = 400;
    response.end(JSON.stringify({ error: { message } }));
  });
  const notes: string[] = [];
  const asking = sampler(t, endpoint, { note: (note) => notes.push(note) });
  for (let i = 0; i < 2; i++) t.is((await asking.sample(bytes('x'), 2, 4)).length, 2);
  t.deepEqual(
    asked.map((request) => 'min_p' in request),
    [true, false, false],
  );
  t.is(notes.length, 1);
  t.regex(notes[0], /127\.0\.0\.1.*takes no top_k and min_p/);
  // What is wrong without them is an error as ever.
  const { error, numAsked } = await failureOf(t, (_, response) => {
    response.statusCode = 400;
    response.end(JSON.stringify({ error: { message } }));
  });
  t.like(error, { code: 'CALM_ENDPOINT_REFUSED' });
  t.is(numAsked, 2);
});

test('asks for n completions at temperature 1 and takes our first tokens of each', async (t) => {
  const { endpoint, asked } = await serveCompletions(t, ({ n }, response) =>
    complete(
      response,
      Array.from({ length: n }, (_, i) => `${i}éxtra`),
    ),
  );
  const found = await sampler(t, `${endpoint}/`).sample(bytes('To be'), 3, 4);
  t.deepEqual(asked, [
    {
      ...{ model: 'm', prompt: 'To be', n: 3, max_tokens: 16 },
      ...{ temperature: 1, top_p: 1, top_k: -1, min_p: 0 },
    } as Asked,
  ]);
  t.deepEqual([...found[2]], [...Buffer.from('2éx')]);
});

test('an address may end with /completions and may have a query', async (t) => {
  const { endpoint, requests } = await serveCompletions(t, (_, response) => complete(response, ['a', 'b']));
  for (const address of [`${endpoint}/completions`, `${endpoint}/?api-version=2`])
    await sampler(t, address).sample(bytes('x'), 2, 4);
  t.deepEqual(
    requests.map(({ url }) => url),
    ['/v1/completions', '/v1/completions?api-version=2'],
  );
});

test(
  'one completion at a time is asked for until there are enough, and more than enough are ' + 'left out',
  async (t) => {
    const one = await textsFrom(t, (_, response, __, index) => complete(response, [`${index}`]));
    t.deepEqual(one, { texts: ['0', '1'], numAsked: 2 });
    const many = await textsFrom(t, (_, response) => complete(response, ['a', 'b', 'c', 'd']));
    t.deepEqual(many, { texts: ['a', 'b'], numAsked: 1 });
  },
);

test('a byte order mark, an empty text and a null error are taken', async (t) => {
  const choices = [{ text: '' }, { text: 'b' }];
  const marked = body(`\ufeff${JSON.stringify({ choices, error: null })}`);
  t.deepEqual((await textsFrom(t, marked)).texts, ['', 'b']);
});

const passing: [what: string, first: Answer][] = [
  ['a connection that is dropped', (_, response) => void response.socket?.destroy()],
  [
    'an answer that is cut off',
    (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"choices":', () => response.socket?.destroy());
    },
  ],
  ['JSON that ends too early', body('{"choices": [{"te')],
  ['an empty answer', body('')],
  ['an error document with a code', json({ error: { message: 'model overloaded', code: 529 } })],
  ['an error document of vLLM', json({ object: 'error', message: 'busy', code: '503' })],
  ['an error document with a name', json({ error: { type: 'overloaded_error', message: 'busy' } })],
  ['an error in a choice', json({ choices: [{ text: '', error: { code: 502, message: 'upstream' } }] })],
  ...[408, 429, 500, 502, 503, 504, 529].map((status): [string, Answer] => [
    `status ${status}`,
    (_, response) => response.writeHead(status).end('busy'),
  ]),
];

for (const [what, first] of passing) {
  test(`${what} is asked again`, async (t) => {
    const answer: Answer = (asked, response, request, index) =>
      index < 2 ? first(asked, response, request, index) : complete(response, ['a', 'b']);
    t.deepEqual(await textsFrom(t, answer), { texts: ['a', 'b'], numAsked: 3 });
    const { error, numAsked } = await failureOf(t, first, { retries: 1 });
    t.is(numAsked, 2);
    t.regex(error.code, /^CALM_ENDPOINT_(UNREACHABLE|REFUSED|ANSWER)$/);
    t.regex(error.message, /127\.0\.0\.1:\d+\/v1\/completions.*\(asked 2 times\)$/);
  });
}

test('an answer that takes too long is asked for again', async (t) => {
  const slow: Answer = (_, response, __, index) => {
    if (index > 0) complete(response, ['a', 'b']);
  };
  t.deepEqual((await textsFrom(t, slow, { timeoutMs: 500 })).texts, ['a', 'b']);
  const { error } = await failureOf(t, () => {}, { timeoutMs: 50, retries: 0 });
  t.regex(error.message, /no answer within 0\.05 s/);
});

test('a busy server that answers others in the meantime is not given up', async (t) => {
  const busy: Answer = ({ prompt }, response, _, index) =>
    prompt === 'x' && index < 12 ? response.writeHead(429).end() : complete(response, ['a', 'b']);
  const { endpoint, asked } = await serveCompletions(t, busy);
  const shared = sampler(t, endpoint, { retries: 1, firstWaitMs: 40 });
  const waiting = shared.sample(bytes('x'), 2, 4);
  let isDone = false;
  void waiting.then(() => (isDone = true));
  while (!isDone && asked.length < 2000) await shared.sample(bytes('y'), 2, 4);
  t.is((await waiting).length, 2);
  t.true(asked.filter(({ prompt }) => prompt === 'x').length > 2, 'more often than one retry allows');
});

const wrong: [what: string, answer: Answer, message: RegExp][] = [
  ['null', json(null), /null instead of an object/],
  ['a list', json([]), /a list instead of an object/],
  ['a number', json(5), /a number instead of an object/],
  ['no choices', json({ other: 1 }), /without choices/],
  ['choices that are no list', json({ choices: {} }), /choices is an object/],
  ['no choice', json({ choices: [] }), /choices is empty/],
  ['a choice of null', json({ choices: [null, null] }), /a choice is null/],
  ['a text of null', json({ choices: [{ text: null }] }), /text of a choice is null/],
  [
    'a text that is a number',
    json({ choices: [{ text: 'a' }, { text: 7 }] }),
    /text of a choice is a number/,
  ],
  ['a chat message', json({ choices: [{ message: { content: 'hi' } }] }), /chat message/],
  ['an HTML page', body('<!doctype html><title>login</title>'), /HTML page/],
  ['a text', body('a page'), /no JSON: a page/],
  ['a stream of events', body('data: {"choices": []}'), /no JSON/],
  [
    'far too much',
    ({ n }, response) => complete(response, Array(n).fill('word '.repeat(300_000))),
    /more than/,
  ],
];

for (const [what, answer, message] of wrong) {
  test(`an answer that is ${what} is an error that says so, at once`, async (t) => {
    const { error, numAsked, endpoint } = await failureOf(t, answer);
    t.is(error.code, 'CALM_ENDPOINT_ANSWER');
    t.regex(error.message, message);
    t.true(error.message.includes(`${endpoint}/completions`));
    t.is(numAsked, 1);
  });
}

test('a server that gives the prompt back is found out', async (t) => {
  const echo: Answer = ({ prompt, n }, response) => complete(response, Array(n).fill(`${prompt} more`));
  const prompt = 'It is for us to strive, and not for one of us alone';
  t.regex((await failureOf(t, echo, {}, prompt)).error.message, /gave the prompt back/);
  // A short or a monotonous prompt may well come again.
  for (const likely of ['ha ha', '-'.repeat(300)]) {
    const { endpoint } = await serveCompletions(t, echo);
    t.is((await sampler(t, endpoint).sample(bytes(likely), 2, 4)).length, 2);
  }
});

test('other refusals are not asked again, and say what to do', async (t) => {
  const refuse =
    (status: number): Answer =>
    (_, response) =>
      response.writeHead(status).end('{"error": {"message": "not \\u001b[31mhere"}}');
  for (const [status, hint] of [
    [400, /--model/],
    [401, /apiKeyVariable/],
    [403, /apiKeyVariable/],
    [404, /--model/],
    [422, /--model/],
  ] as const) {
    const { error, numAsked } = await failureOf(t, refuse(status));
    t.deepEqual([error.code, numAsked], ['CALM_ENDPOINT_REFUSED', 1]);
    t.true(error.message.endsWith(`answered ${status}: not [31mhere`), error.message);
    t.regex(error.hint ?? '', hint);
  }
  const proxy = await failureOf(t, refuse(407));
  t.deepEqual([proxy.error.code, proxy.numAsked], ['CALM_ENDPOINT_REFUSED', 1]);
  t.regex(proxy.error.hint ?? '', /HTTP_PROXY/);
  const { error, numAsked } = await failureOf(t, json({ error: { code: 404, message: 'no such model' } }));
  t.deepEqual([error.code, numAsked], ['CALM_ENDPOINT_REFUSED', 1]);
});

test('the wait that a server asks for is kept and said; one beyond the bound is an error', async (t) => {
  const notes: string[] = [];
  let first: number | undefined;
  const patient: Answer = (_, response) => {
    first ??= performance.now();
    if (performance.now() - first < 990) response.writeHead(429, { 'retry-after': '1' }).end('slow down');
    else complete(response, ['a', 'b']);
  };
  const { numAsked } = await textsFrom(t, patient, { note: (note) => notes.push(note) });
  t.is(numAsked, 2);
  t.is(notes.length, 1);
  t.regex(notes[0], /answered 429: slow down; it is asked again in 1\.0 s/);

  const later = new Date(Date.now() + 7_200_000).toUTCString();
  for (const [header, seconds] of [
    ['3600', /wait 3600 s/],
    ['60.5', /wait 61 s/],
    [later, /wait 7\d\d\d s/],
  ] as const) {
    const { error, numAsked } = await failureOf(t, (_, response) =>
      response.writeHead(429, { 'retry-after': header }).end(),
    );
    t.is(error.code, 'CALM_ENDPOINT_BUSY');
    t.regex(error.message, seconds);
    t.regex(error.message, /at most 60 s/);
    t.regex(error.hint ?? '', /maxRetryAfterSeconds/);
    t.is(numAsked, 1);
  }
});

test('the signal ends requests and waits at once', async (t) => {
  for (const answer of [
    () => {},
    (_: unknown, response: Parameters<Answer>[1]) => response.writeHead(429, { 'retry-after': '30' }).end(),
  ]) {
    const stop = new AbortController();
    const { endpoint, asked } = await serveCompletions(t, (...given) => {
      (answer as Answer)(...given);
      setTimeout(() => stop.abort(new Error('stopped')), 20);
    });
    const began = performance.now();
    await t.throwsAsync(sampler(t, endpoint).sample(bytes('x'), 2, 4, stop.signal), { message: 'stopped' });
    t.true(performance.now() - began < 4000);
    t.is(asked.length, 1);
  }
});

test('redirects within the server are followed as they are', async (t) => {
  const { endpoint, requests } = await serveCompletions(t, (_, response, { url }) => {
    if (url === '/v1/completions') response.writeHead(307, { location: '/v1/completions/' }).end();
    else complete(response, ['a', 'b']);
  });
  await sampler(t, endpoint, { apiKey: 'secret' }).sample(bytes('x'), 2, 4);
  t.deepEqual(
    requests.map(({ method, headers }) => [method, headers.authorization]),
    [
      ['POST', 'Bearer secret'],
      ['POST', 'Bearer secret'],
    ],
  );
});

test(
  'a redirect to a login page, in a circle or to another server is an error, and no key ' + 'goes there',
  async (t) => {
    const other = await serveCompletions(t, (_, response) => complete(response, ['a', 'b']));
    for (const [status, location] of [
      [302, '/login?token=hush'],
      [303, '/login'],
      [307, '/v1/completions'],
      [307, `${other.endpoint}/completions?token=hush`],
      [308, `http://user:hush@127.0.0.1/v1`],
      [307, 'http://'],
    ] as const) {
      const { error, numAsked } = await failureOf(
        t,
        (_, response) => response.writeHead(status, { location }).end(),
        { apiKey: 'secret' },
      );
      t.is(error.code, 'CALM_ENDPOINT_REDIRECT', location);
      t.notRegex(`${error.message} ${error.hint}`, /hush|secret/);
      t.is(numAsked, location === '/v1/completions' ? 6 : 1);
    }
    t.is(other.asked.length, 0);
  },
);

test('no secret is shown, not even one that the server gives back', async (t) => {
  const apiKey = 'sk-0123456789abcdef';
  const said: string[] = [];
  const note = (text: string) => said.push(text);
  const quotes: Answer[] = [401, 429].map(
    (status) => (_, response, request) =>
      response.writeHead(status).end(`${'x'.repeat(190)} ${request.headers.authorization}`),
  );
  quotes.push(
    (_, response, request) => response.end(`no: ${request.headers.authorization} http://me:hush@there/`),
    (_, response, request) => response.end(`{${request.headers.authorization}`),
    (_, response, request) => response.end(JSON.stringify({ key: request.headers.authorization })),
  );
  for (const answer of quotes) {
    const { error } = await failureOf(t, answer, { apiKey, note, retries: 1, firstWaitMs: 600 });
    said.push(error.message, error.hint ?? '');
  }
  t.true(said.some((text) => text.includes('***')));
  for (const text of said) t.notRegex(text, /sk-0|hush/);
});

test(
  'keys that no request can carry, and addresses that hold a secret, are refused without ' + 'being shown',
  (t) => {
    const make = (endpoint: string, apiKey?: string) =>
      t.throws(() =>
        sampler(t, endpoint, { ...(apiKey ? { apiKey } : {}), keySource: 'KEY_VARIABLE' }),
      ) as CalmError;
    for (const key of ['hush\n', 'hu\r\nsh', 'hush–hush', 'hush\u0000', '  '])
      t.like(make('http://127.0.0.1:1/v1', key), {
        code: 'CALM_ENDPOINT_KEY',
        message: 'KEY_VARIABLE holds a character that no request can carry in a key.',
      });
    for (const address of [
      'http://me:hush@localhost/v1',
      'https://hush@localhost/v1',
      'http://localhost/v1?api_key=hush',
      'http://localhost/v1?Token=hush',
      'localhost:8000/hush',
      'ftp://localhost/hush',
      'http://localhost/v1/chat/completions',
    ]) {
      const error = make(address);
      t.is(error.code, 'CALM_ENDPOINT_ADDRESS', address);
      t.notRegex(`${error.message} ${error.hint}`, /hush/);
    }
  },
);

test('a host that does not answer is an error that names it', async (t) => {
  const server = await serveCompletions(t, () => {});
  const gone = sampler(t, 'http://127.0.0.1:1/v1');
  t.like(await t.throwsAsync(gone.sample(bytes('x'), 2, 4)), { code: 'CALM_ENDPOINT_UNREACHABLE' });
  const plain = sampler(t, server.endpoint.replace('http:', 'https:'), { retries: 0 });
  t.like(await t.throwsAsync(plain.sample(bytes('x'), 2, 4)), { code: 'CALM_ENDPOINT_UNREACHABLE' });
});
