/** Serial, because proxies are named by the environment of the process. */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ByteTokenizer } from 'calm-lm/data';
import { CompletionsEndpoint } from 'calm-lm/evaluation';
import { proxyVariable } from '../../src/http/proxies.ts';
import { complete, serveCompletions } from '../helpers/completions-server.ts';

const NAMES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
test.beforeEach(() => {
  for (const name of NAMES) delete process.env[name];
});

function sampleFrom(t: ExecutionContext, endpoint: string) {
  const sampler = new CompletionsEndpoint({
    endpoint,
    model: 'm',
    tokenizer: new ByteTokenizer(),
    timeoutMs: 5000,
    retries: 0,
    apiKey: 'key-of-the-server',
  });
  t.teardown(() => sampler.close());
  return sampler.sample(Int32Array.from([97]), 2, 4);
}

/** A proxy for plain requests, which it answers itself, and for tunnels. */
async function serveProxy(t: ExecutionContext, status = 200) {
  const [plain, tunnels]: [IncomingMessage[], string[]] = [[], []];
  const proxy = createServer((request, response) => {
    plain.push(request);
    request.resume();
    if (status === 200) complete(response, ['a', 'b']);
    else response.writeHead(status).end();
  });
  proxy.on('connect', ({ url = '' }, socket) => {
    tunnels.push(url);
    socket.end(`HTTP/1.1 ${status === 200 ? 502 : status} No\r\n\r\n`);
  });
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return { host, address: `http://${host}`, plain, tunnels };
}

test.serial(
  'http goes over HTTP_PROXY, in either case, with or without a scheme, with its password',
  async (t) => {
    const { host, address, plain } = await serveProxy(t);
    for (const [name, value] of [
      ['HTTP_PROXY', address],
      ['http_proxy', host],
      ['HTTP_PROXY', `http://me:pass%20word@${host}`],
    ]) {
      process.env[name] = value;
      t.is((await sampleFrom(t, 'http://no-such-host.invalid/v1')).length, 2);
      delete process.env[name];
    }
    t.deepEqual(
      plain.map(({ url, headers }) => [url, headers['proxy-authorization']]),
      [
        ['http://no-such-host.invalid/v1/completions', undefined],
        ['http://no-such-host.invalid/v1/completions', undefined],
        ['http://no-such-host.invalid/v1/completions', `Basic ${btoa('me:pass word')}`],
      ],
    );
  },
);

test.serial('https goes through a tunnel of HTTPS_PROXY, or of HTTP_PROXY', async (t) => {
  const { address, tunnels, plain } = await serveProxy(t);
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY']) {
    process.env[name] = address;
    await t.throwsAsync(sampleFrom(t, 'https://no-such-host.invalid/v1'), {
      code: 'CALM_ENDPOINT_UNREACHABLE',
    });
    delete process.env[name];
  }
  t.deepEqual(tunnels, Array(3).fill('no-such-host.invalid:443'));
  t.is(plain.length, 0);
});

test.serial('NO_PROXY and an empty variable reach the server itself', async (t) => {
  const { address, plain } = await serveProxy(t);
  const { endpoint, asked } = await serveCompletions(t, (_, response) => complete(response, ['a', 'b']));
  process.env.HTTP_PROXY = address;
  process.env.NO_PROXY = 'elsewhere, 127.0.0.1';
  await sampleFrom(t, endpoint);
  process.env.NO_PROXY = 'elsewhere';
  await sampleFrom(t, endpoint);
  t.deepEqual([asked.length, plain.length], [1, 1]);
  process.env.http_proxy = '';
  await sampleFrom(t, endpoint);
  t.deepEqual([asked.length, plain.length], [2, 1]);
});

test.serial(
  'a proxy that refuses, is gone or has no address is an error that says so without its password',
  async (t) => {
    const { host } = await serveProxy(t, 407);
    process.env.HTTP_PROXY = `http://me:hush@${host}`;
    for (const scheme of ['http', 'https']) {
      const error = await t.throwsAsync(sampleFrom(t, `${scheme}://no-such-host.invalid/v1`), {
        code: 'CALM_ENDPOINT_REFUSED',
        message: /407/,
      });
      t.regex((error as unknown as { hint: string }).hint, /HTTP_PROXY/);
    }
    const closed = createServer();
    await new Promise<void>((ready) => closed.listen(0, '127.0.0.1', ready));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    process.env.HTTP_PROXY = `http://me:hush@127.0.0.1:${port}`;
    const gone = await t.throwsAsync(sampleFrom(t, 'http://no-such-host.invalid/v1'), {
      code: 'CALM_ENDPOINT_UNREACHABLE',
    });
    t.regex((gone as unknown as { hint: string }).hint, /HTTP_PROXY.*NO_PROXY/);
    t.notRegex(`${gone?.message}`, /hush/);
    for (const address of ['http://', 'ftp://me:hush@there', 'me:hush@:x']) {
      process.env.HTTP_PROXY = address;
      const wrong = await t.throwsAsync(sampleFrom(t, 'http://no-such-host.invalid/v1'), {
        code: 'CALM_PROXY_ADDRESS',
        message: /HTTP_PROXY/,
      });
      t.notRegex(`${wrong?.message}`, /hush/);
    }
  },
);

test.serial('the lower case counts first, and HTTP_PROXY is for https too', (t) => {
  t.is(proxyVariable('http:', { http_proxy: 'a', HTTP_PROXY: 'b' }), 'http_proxy');
  t.is(proxyVariable('http:', { http_proxy: '', HTTP_PROXY: 'b' }), undefined);
  t.is(proxyVariable('https:', { HTTPS_PROXY: 'c', HTTP_PROXY: 'b' }), 'HTTPS_PROXY');
  t.is(proxyVariable('https:', { HTTP_PROXY: 'b' }), 'HTTP_PROXY');
  t.is(proxyVariable('http:', { HTTPS_PROXY: 'c' }), undefined);
});
