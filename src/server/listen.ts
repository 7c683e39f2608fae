/** The socket of a server. */

import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';

export interface Listening {
  readonly port: number;
  /** Takes no new connection; ends when the last answer is through. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly hostname: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** A connection over which nothing goes for so long is cut. */
  readonly idleMs: number;
  readonly maxConnections: number;
}

export async function listen(app: Hono, options: ListenOptions): Promise<Listening> {
  const { hostname, port, idleMs, maxConnections } = options;
  const server = await new Promise<Server>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, hostname, port }, () => resolve(started as Server)) as Server;
    started.once('error', reject);
  });
  server.setTimeout(idleMs);
  server.maxConnections = maxConnections;
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}
