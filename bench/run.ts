/**
 * npm run bench [-- --json --only autoencoder|language-model --engines onnx,wasm --rounds 5]
 *
 * Times training steps of our engines against each other: one process an engine, whole blocks of steps alternating, so that what else the machine does
 * meets all of them. Reported are medians over the rounds, and ratios within this one run.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    engines: { type: 'string', default: 'onnx,wasm' },
    rounds: { type: 'string', default: '5' },
  },
});
const TASKS = ['autoencoder', 'language-model'].filter((task) => !values.only || task === values.only);
const ENGINES = values.engines.split(',');
const ROUNDS = Number(values.rounds);
const STEPS_A_BLOCK = 8;
const WARM_UP_STEPS = 3;

interface Block {
  readonly medianMs: number;
  readonly tokens: number;
  readonly peakMegabytes: number;
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

async function ask(worker: ChildProcess, steps: number): Promise<Block> {
  worker.send(steps);
  return (await once(worker, 'message'))[0] as Block;
}

async function measure(task: string) {
  const workers: ChildProcess[] = [];
  for (const engine of ENGINES) {
    const worker = fork(join(import.meta.dirname, 'worker.ts'), [engine, task], { execArgv: ['--conditions=calm-source', '--no-warnings'] });
    await once(worker, 'message');
    await ask(worker, WARM_UP_STEPS);
    workers.push(worker);
  }
  const blocks: Block[][] = ENGINES.map(() => []);
  for (let round = 0; round < ROUNDS; round++) for (const [i, worker] of workers.entries()) blocks[i].push(await ask(worker, STEPS_A_BLOCK));
  for (const worker of workers) worker.disconnect();
  const slowest = Math.max(...blocks.map((own) => median(own.map(({ medianMs }) => medianMs))));
  return ENGINES.map((engine, i) => {
    const medianMs = median(blocks[i].map((block) => block.medianMs));
    return {
      task,
      engine,
      medianMs,
      tokensPerSecond: (1000 * blocks[i][0].tokens) / medianMs,
      timesFaster: slowest / medianMs,
      peakMegabytes: Math.max(...blocks[i].map(({ peakMegabytes }) => peakMegabytes)),
    };
  });
}

const rows = [];
for (const task of TASKS) rows.push(...(await measure(task)));
const machine = `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}`;
if (values.json) console.log(JSON.stringify({ machine, rounds: ROUNDS, stepsPerBlock: STEPS_A_BLOCK, rows }, null, 2));
else {
  console.log(`${machine}; medians of ${ROUNDS} alternating blocks of ${STEPS_A_BLOCK} steps\n`);
  console.log('| step | engine | ms | tokens/s | × the slowest | peak MB |\n|---|---|---|---|---|---|');
  for (const row of rows)
    console.log(
      `| ${row.task} | ${row.engine} | ${row.medianMs.toFixed(1)} | ${Math.round(row.tokensPerSecond)} | ${row.timesFaster.toFixed(1)} | ${Math.round(row.peakMegabytes)} |`,
    );
}
