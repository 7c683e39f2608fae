import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ByteTokenizer } from 'calm-lm/data';
import type { CalmError } from 'calm-lm/errors';
import { CompletionsEndpoint } from 'calm-lm/evaluation';

interface Asked {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly max_tokens: number;
  readonly temperature: number;
}

type Answer = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void;

/** A server on this machine that answers as a completions API does. */
async function serve(t: ExecutionContext, answer: Answer): Promise<{ endpoint: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body) as Asked);
      answer(asked[asked.length - 1], response, request);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.teardown(() => server.close());
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`, asked };
}

const choices = (response: ServerResponse, texts: string[]) =>
  response.end(JSON.stringify({ choices: texts.map((text) => ({ text })) }));
const bytes = (text: string) => Int32Array.from(Buffer.from(text));
const sampler = (endpoint: string, apiKey?: string) =>
  new CompletionsEndpoint({
    endpoint,
    model: 'm',
    tokenizer: new ByteTokenizer(),
    timeoutMs: 2000,
    ...(apiKey ? { apiKey } : {}),
  });

test('asks for n completions at temperature 1 and takes our first tokens of each', async (t) => {
  const { endpoint, asked } = await serve(t, ({ n }, response) =>
    choices(
      response,
      Array.from({ length: n }, (_, i) => `${i}éxtra`),
    ),
  );
  const found = await sampler(endpoint).sample(bytes('To be'), 3, 4);
  t.deepEqual(asked, [
    { model: 'm', prompt: 'To be', n: 3, max_tokens: 16, temperature: 1, top_p: 1 } as Asked,
  ]);
  t.deepEqual([...found[2]], [...Buffer.from('2éx')]);
});

test('a server that gives one completion at a time is asked again, a busy one is waited for, a key is sent', async (t) => {
  let busy = 2;
  const { endpoint, asked } = await serve(t, (_, response, request) => {
    if (request.headers.authorization !== 'Bearer secret') response.writeHead(401).end('no');
    else if (busy-- > 0) response.writeHead(503, { 'retry-after': '0.01' }).end('busy');
    else choices(response, ['abcdef']);
  });
  t.is((await sampler(endpoint, 'secret').sample(bytes('x'), 3, 4)).length, 3);
  t.is(asked.length, 5);
  t.is(
    ((await t.throwsAsync(sampler(endpoint).sample(bytes('x'), 1, 4))) as CalmError).code,
    'CALM_ENDPOINT_REFUSED',
  );
});

test('what is no completions API, and what does not answer, are clear errors', async (t) => {
  const codeOf = async (endpoint: string) =>
    ((await t.throwsAsync(sampler(endpoint).sample(bytes('x'), 2, 4))) as CalmError).code;
  for (const answer of ['{"choices": []}', '{"other": 1}', 'a page', '{"choices": [{"message": {}}]}'])
    t.is(
      await codeOf((await serve(t, (_, response) => response.end(answer))).endpoint),
      'CALM_ENDPOINT_ANSWER',
      answer,
    );
  t.is(
    await codeOf(
      (await serve(t, (_, response) => response.writeHead(404).end('{"error": "no such model"}'))).endpoint,
    ),
    'CALM_ENDPOINT_REFUSED',
  );
  t.is(await codeOf('http://127.0.0.1:1/v1'), 'CALM_ENDPOINT_UNREACHABLE');
});
