/** Serving models over HTTP. */

export { makeApp, type ServerOptions } from './app.ts';
export { type Listening, listen } from './listen.ts';
export type { Served } from './texts.ts';
