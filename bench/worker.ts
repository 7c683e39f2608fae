/**
 * One task on one engine in one process: worker.ts ENGINE TASK SIZE OPTIMIZER PRECISION. Each message, a number of
 * repetitions, is answered by their median time.
 */

import { type EngineChoice, loadEngine, type Precision } from 'calm-lm/engine';
import { prepare, type Task } from './tasks.ts';

const [engineName, task, size, optimizer, precision] = process.argv.slice(2) as [
  EngineChoice,
  Task,
  string,
  string,
  Precision,
];
const engine = await loadEngine(engineName, undefined, precision);
const { run, tokens } = await prepare(engine, task, size, optimizer);

process.on('message', async (repetitions: number) => {
  const times: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  process.send?.({
    medianMs: times[times.length >> 1],
    tokens,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  });
});
process.send?.('ready');
