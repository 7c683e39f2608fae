/** The other side of CorpusWorkers: a thread that works on chunks as they come. */

import { parentPort, workerData } from 'node:worker_threads';
import {
  type ThreadAnswer,
  type ThreadMessage,
  type ThreadTask,
  toldError,
  workOf,
} from './corpus-workers.ts';

const port = parentPort as NonNullable<typeof parentPort>;
const work = workOf(workerData as ThreadTask);

port.on('message', async ({ number, chunk, file }: ThreadMessage) => {
  try {
    const result = await work(chunk, file);
    const moved = 'ids' in result ? [result.ids.buffer] : [];
    port.postMessage({ number, result } satisfies ThreadAnswer, moved);
  } catch (error) {
    port.postMessage({ number, ...toldError(error as Error) } satisfies ThreadAnswer);
  }
});
