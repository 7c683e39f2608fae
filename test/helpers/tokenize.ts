/** The stage `tokenize` by itself, stopped where a test wants it. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tokenShards } from 'calm-lm/artifacts';
import builtin from '#plugins';
import { ALONE } from '../../src/cluster/index.ts';

/** Runs `tokenize` in a folder; `stopAfter` chunks its signal is aborted. */
export async function tokenize(
  folder: string,
  { stopAfter = Number.POSITIVE_INFINITY, ...given }: { stopAfter?: number } & Record<string, unknown>,
) {
  const stage = builtin.stages.find(({ name }) => name === 'tokenize') as (typeof builtin.stages)[number];
  const checkpoints = join(folder, 'checkpoints');
  mkdirSync(checkpoints, { recursive: true });
  const stop = new AbortController();
  const notes: string[] = [];
  let chunks = 0;
  const report = {
    ...{
      metrics() {},
      event() {},
      text() {},
      headline() {},
      rewind() {},
      sample() {},
      logTo() {},
      warn() {},
      summary() {},
    },
    note: (message: string) => notes.push(message),
    progress: () => {
      if (++chunks === stopAfter) stop.abort();
    },
  };
  await stage.run({
    config: stage.config.parse({ tokenizer: 'bytes', validationFraction: 0.25, ...given }),
    inputs: {},
    outputs: { tokens: await tokenShards.create(join(folder, 'tokens')) },
    cluster: ALONE,
    engine: () => Promise.reject(new Error('no engine is needed')),
    ...{ seed: 1, report, checkpoints, signal: stop.signal },
    pause: async () => {},
    resolvePath: (path: string) => resolve(folder, path),
  });
  return { notes, chunks };
}

/** What was written, by name. */
export const filesOf = (folder: string) =>
  readdirSync(join(folder, 'tokens'))
    .sort()
    .map((name) => [name, readFileSync(join(folder, 'tokens', name), 'base64')]);
