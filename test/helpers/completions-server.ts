/** A server on this machine that answers as a completions API does, or as badly as a test wants. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

// The loopback is never asked through a proxy of the machine that tests run on, here or by a command.
process.env.NO_PROXY = process.env.no_proxy = '127.0.0.1';

export interface Asked {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly max_tokens: number;
  readonly temperature: number;
}

export type Answer = (
  asked: Asked,
  response: ServerResponse,
  request: IncomingMessage,
  /** How many requests came before. */
  index: number,
) => void;

export interface CompletionsServer {
  readonly endpoint: string;
  /** Origin of the server, without a path. */
  readonly origin: string;
  readonly asked: Asked[];
  readonly requests: IncomingMessage[];
}

export async function serveCompletions(
  t: ExecutionContext<unknown>,
  answer: Answer,
): Promise<CompletionsServer> {
  const [asked, requests]: [Asked[], IncomingMessage[]] = [[], []];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString() || '{}') as Asked;
      asked.push(body);
      requests.push(request);
      answer(body, response, request, asked.length - 1);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint: `${origin}/v1`, origin, asked, requests };
}

/** Answers with these texts. */
export function complete(response: ServerResponse, texts: readonly string[]): void {
  response.end(JSON.stringify({ choices: texts.map((text, index) => ({ index, text })) }));
}

/** Texts that depend on the prompt and on nothing else. */
export function textsFor({ prompt, n }: Asked): string[] {
  let state = 7;
  for (const character of prompt) state = (state * 31 + character.charCodeAt(0)) % 65_521;
  return Array.from({ length: n }, (_, i) => ['the', ' and', 'e of', 's ha'][(state + i * (state % 3)) % 4]);
}
