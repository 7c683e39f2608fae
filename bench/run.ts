/**
 * npm run bench [-- --json --save FILE --only sampling --size small --contenders
 * onnx,node,node-bf16,wasm,pytorch,pytorch-tuned,pytorch-bf16,pytorch-compiled --rounds 5]
 * npm run bench -- --compare A.json B.json
 *
 * Times whole tasks on our engines and in PyTorch (bench/peer): one process a contender, whole blocks
 * alternating, so that what else the machine does
 * meets all of them. Reported are medians over the rounds, and ratios within this one run. `pytorch` is eager
 * as it comes, `pytorch-tuned` with an allocator that
 * keeps what it has, `pytorch-bf16` that under torch.autocast, `pytorch-compiled` is torch.compile with that
 * allocator; ours run with it too, tuned against tuned. `node-bf16` rounds the factors of products. `onnx:muon` trains with another optimiser than AdamW, `onnx:muon;polynomialSteps=3` with its
 * options.
 */

import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { stepGigaflops } from './flops.ts';
import { comparisonOf, pageOf, type Results, type Row, thisMachine } from './results.ts';
import { TASKS } from './tasks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    save: { type: 'string' },
    compare: { type: 'boolean', default: false },
    only: { type: 'string' },
    size: { type: 'string', default: 'small,paper' },
    contenders: { type: 'string', default: 'onnx,node,pytorch,pytorch-tuned' },
    rounds: { type: 'string', default: '5' },
  },
});
if (values.compare) {
  const [first, second] = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results);
  if (!first || !second) throw new Error('--compare takes two files that --save has written');
  console.log(comparisonOf(first, second));
  process.exit();
}
const ROUNDS = Number(values.rounds);
/** A block is as many repetitions as take about this long. */
const BLOCK_MS = 2500;
const WARM_UP_MS = 5000;
/** The interpreter that has PyTorch. */
const PYTHON = process.env.CALM_BENCH_PYTHON ?? 'python3';
/** Page faults are dear on virtual machines: glibc is told to keep freed memory. */
const TUNED = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 32),
  MALLOC_TOP_PAD_: String(2 ** 28),
};
const GEMM_GIGAFLOPS = (2 * 2048 ** 3) / 1e9;

interface Block {
  readonly medianMs: number;
  readonly tokens: number;
  readonly peakMegabytes: number;
}

interface Contender {
  readonly name: string;
  ask(repetitions: number): Promise<Block>;
  stop(): void;
}

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function start(name: string, task: string, size: string): Promise<Contender> {
  return name.startsWith('pytorch') ? startPeer(name, task, size) : startEngine(name, task, size);
}

async function startEngine(name: string, task: string, size: string): Promise<Contender> {
  const options = {
    execArgv: ['--conditions=calm-source', '--no-warnings'],
    env: { CALM_SPIN: '1', ...process.env, ...TUNED },
  };
  const [first = '', optimizer = 'adamw'] = name.split(':');
  const [engine, precision] = first.endsWith('-bf16') ? [first.slice(0, -5), 'bf16'] : [first, 'f32'];
  const file = join(import.meta.dirname, 'worker.ts');
  const worker: ChildProcess = fork(file, [engine, task, size, optimizer, precision], options);
  await firstOf(worker, once(worker, 'message'));
  const ask = async (repetitions: number) => {
    worker.send(repetitions);
    return (await firstOf(worker, once(worker, 'message')))[0] as Block;
  };
  return { name, ask, stop: () => worker.disconnect() };
}

async function startPeer(name: string, task: string, size: string): Promise<Contender> {
  const args = [
    join(import.meta.dirname, 'peer/worker.py'),
    task,
    size,
    ...(name === 'pytorch-compiled' ? ['--compile'] : []),
    ...(name === 'pytorch-bf16' ? ['--bf16'] : []),
  ];
  const worker = spawn(PYTHON, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(name === 'pytorch' ? {} : TUNED) },
  });
  const lines = createInterface(worker.stdout)[Symbol.asyncIterator]();
  await firstOf(worker, lines.next());
  const ask = async (repetitions: number) => {
    worker.stdin.write(`${repetitions}\n`);
    return JSON.parse((await firstOf(worker, lines.next())).value as string) as Block;
  };
  return { name, ask, stop: () => worker.stdin.end() };
}

/** An answer, or an error where the process ends first. */
async function firstOf<Answer>(worker: ChildProcess, answer: Promise<Answer>): Promise<Answer> {
  const end = once(worker, 'exit').then(([code]) =>
    Promise.reject(new Error(`${worker.spawnargs.join(' ')} ended with ${code}`)),
  );
  end.catch(() => {});
  return Promise.race([answer, end]);
}

async function measure(task: string, size: string, names: readonly string[]): Promise<Row[]> {
  const started: { contender: Contender; repetitions: number; firstMs: number; blocks: Block[] }[] = [];
  for (const name of names) {
    const contender = await start(name, task, size);
    const firstMs = (await contender.ask(1)).medianMs;
    const { medianMs } = await contender.ask(Math.max(1, Math.min(5, Math.round(WARM_UP_MS / firstMs))));
    const repetitions = Math.max(1, Math.min(40, Math.round(BLOCK_MS / medianMs)));
    started.push({ contender, repetitions, firstMs, blocks: [] });
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const { contender, repetitions, blocks } of started) blocks.push(await contender.ask(repetitions));
  for (const { contender } of started) contender.stop();
  return started.map(({ contender, firstMs, blocks }) => ({
    task,
    size,
    contender: contender.name,
    firstMs,
    medianMs: median(blocks.map((block) => block.medianMs)),
    tokens: blocks[0]?.tokens ?? 0,
    peakMegabytes: Math.max(...blocks.map(({ peakMegabytes }) => peakMegabytes)),
  }));
}

function usable(names: readonly string[]): string[] {
  const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0;
  if (!hasTorch)
    console.error(
      `${PYTHON} has no PyTorch: make one with python3 -m venv FOLDER && FOLDER/bin/pip install torch, ` +
        `then CALM_BENCH_PYTHON=FOLDER/bin/python`,
    );
  return names.filter((name) => hasTorch || !name.startsWith('pytorch'));
}

const names = usable(values.contenders.split(','));
const tasks: readonly string[] = values.only?.split(',') ?? TASKS;
const loadBefore = loadavg()[0] ?? Number.NaN;
const limits = await measure(
  'gemm',
  'small',
  names.filter((name) => name !== 'wasm' && name !== 'pytorch'),
);
const rows: Row[] = [];
for (const size of values.size.split(','))
  for (const task of tasks) {
    // Only training steps are compiled there.
    const fitting = names.filter((name) => name !== 'pytorch-compiled' || stepGigaflops(task, size));
    console.error(`${task}, ${size}: ${fitting.join(', ')}`);
    rows.push(...(await measure(task, size, fitting)));
  }

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
  machine: thisMachine(PYTHON),
  load: [loadBefore, loadavg()[0] ?? Number.NaN],
  rounds: ROUNDS,
  products: Object.fromEntries(
    limits.map(({ contender, medianMs }) => [contender, (1000 * GEMM_GIGAFLOPS) / medianMs]),
  ),
  rows,
};
if (values.save) writeFileSync(values.save, `${JSON.stringify(results, null, 2)}\n`);
console.log(values.json ? JSON.stringify(results, null, 2) : pageOf(results));
