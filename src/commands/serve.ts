import { basename, dirname } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { ENGINE_FLAG } from '../engine/names.ts';
import { PRECISION_FLAG } from '../engine/precision.ts';
import { apiKeyNeeded, portTaken, serveTwice } from '../errors.ts';
import { isModelFolder } from '../runs/index.ts';
import { BaseCommand, warn } from './base-command.ts';
import { hearSignals } from './signals.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

export default class Serve extends BaseCommand {
  static override summary = 'Serve models over the completions API of OpenAI.';
  static override description =
    'POST /v1/completions with streaming, n, stop, seed, max_tokens, temperature in (0, 1] and echo; prompts as ' +
    'texts or token ids. /v1/chat/completions where the tokenizer has a chat template. Of a CALM also sampler, ' +
    'num_candidates, draw_budget and candidates. GET /v1/models, /health and /metrics. Ctrl-C takes no new request and ends when the last answer is through; twice stops at once.';
  static override examples = [
    'calm serve runs/quickstart',
    'calm serve runs/a runs/b --port 9000 --host 0.0.0.0',
  ];
  static override strict = false;
  static override args = {
    run: Args.string({ description: 'run or model folder; several may be given', required: true }),
  };
  static override flags = {
    host: Flags.string({ default: '127.0.0.1', description: 'where it listens; elsewhere it wants a key' }),
    port: Flags.integer({
      char: 'p',
      default: 8000,
      min: 0,
      max: 65_535,
      description: '0 for any that is free',
    }),
    'api-key': Flags.string({
      env: 'CALM_API_KEY',
      description: 'what clients must show as a bearer token; better by CALM_API_KEY than in a command line',
    }),
    'allow-origin': Flags.string({
      multiple: true,
      default: [],
      description: 'a web page from elsewhere that may ask, as in https://example.org; may be repeated',
    }),
    'allow-host': Flags.string({
      multiple: true,
      default: [],
      description: 'a further name that requests may be addressed to, as behind a proxy; may be repeated',
    }),
    concurrency: Flags.integer({
      default: 32,
      min: 1,
      description: 'requests that are worked on at once, in one batch',
    }),
    queue: Flags.integer({
      default: 64,
      min: 0,
      description: 'requests that may wait; more are told to retry',
    }),
    timeout: Flags.integer({ default: 600, min: 1, description: 'seconds for one request' }),
    'max-tokens': Flags.integer({ default: 4096, min: 1, description: 'tokens of one text, at most' }),
    'max-prompt-tokens': Flags.integer({
      default: 16_384,
      min: 1,
      description: 'tokens of a prompt, at most',
    }),
    'max-body': Flags.integer({ default: 1_048_576, min: 1, description: 'bytes of a request, at most' }),
    engine: Flags.string(ENGINE_FLAG),
    precision: Flags.option(PRECISION_FLAG)(),
  };

  override async run() {
    const { argv, flags } = await this.parse(Serve);
    const isLocal = [...LOOPBACK, '::1'].includes(flags.host);
    const apiKey = flags['api-key'] || undefined;
    if (!isLocal && apiKey === undefined) throw apiKeyNeeded(flags.host);
    const named = (argv as string[]).map((path) => [nameOf(path), path] as const);
    const twice = named.find(([id], i) => named.findIndex(([other]) => other === id) !== i);
    if (twice) throw serveTwice(twice[0]);
    const [{ load }, { makeApp, listen }] = await Promise.all([
      import('../library/index.ts'),
      import('../server/index.ts'),
    ]);
    const models = [];
    for (const [id, path] of named)
      models.push({
        id,
        model: await load(path, { engine: flags.engine, precision: flags.precision, onWarning: warn }),
      });
    const stop = new AbortController();
    const app = makeApp({
      models: models as [(typeof models)[number]],
      apiKey,
      hosts: isLocal ? [...LOOPBACK, ...flags['allow-host']] : undefined,
      allowOrigins: flags['allow-origin'],
      requestsAtOnce: flags.concurrency,
      mostWaiting: flags.queue,
      timeoutMs: flags.timeout * 1000,
      maxTokens: flags['max-tokens'],
      maxPromptTokens: flags['max-prompt-tokens'],
      maxTexts: 256,
      maxBodyBytes: flags['max-body'],
      stopped: stop.signal,
      onDefect: (error) => warn(`a request failed: ${error instanceof Error ? error.stack : String(error)}`),
    });
    const listening = await listen(app, {
      hostname: flags.host,
      port: flags.port,
      // An answer that is waited for may say nothing until it is late.
      idleMs: flags.timeout * 1000 + 30_000,
      maxConnections: 4 * (flags.concurrency + flags.queue),
    }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EADDRINUSE' ? portTaken(flags.host, flags.port) : error;
    });
    const shownHost = flags.host.includes(':') ? `[${flags.host}]` : flags.host;
    const url = `http://${shownHost}:${listening.port}/v1`;
    process.stderr.write(`${models.map(({ id }) => id).join(', ')} at ${url}\n`);
    await untilStopped(stop);
    await listening.close();
    for (const { model } of models) await model.dispose();
    return { url };
  }
}

/** The run's name, or the folder's of a model. */
function nameOf(path: string): string {
  const name = basename(path);
  return isModelFolder(path) && name === 'model' ? basename(dirname(dirname(path))) : name;
}

/** The first signal lets answers end, the second one ends them. */
function untilStopped(stop: AbortController): Promise<void> {
  return new Promise((resolve) => {
    hearSignals(
      () => resolve(),
      () => stop.abort(new Error('the server stops')),
    );
  });
}
