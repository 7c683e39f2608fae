/**
 * npm run fuzz [-- --count 10000 --seed 1 --target tokenizer.json|'command line']: mutated inputs of every
 * kind that calm reads, each read in a process that is watched: a crash, a hang, a stack instead of a
 * clear error, or memory beyond a gigabyte is a failure. Prints what came of them by target.
 */

import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../../src/reporting/terminal/table.ts';
import { type Outcome, runCase } from './cases.ts';
import { COMMAND_LINE, CommandLineFuzz } from './command-line.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    target: { type: 'string' },
  },
});
const [HANG_MS, MOST_MEGABYTES] = [20_000, 1024];

type Message = { readonly number: number; readonly outcome: Outcome };

async function child(folder: string): Promise<void> {
  for (let number = Number(values.from); number < Number(values.count); number++) {
    const outcome = await runCase(folder, Number(values.seed), number, values.target);
    await new Promise((sent) => process.send?.({ number, outcome } satisfies Message, sent));
  }
  process.disconnect?.();
}

/** Runs cases in children until all are done; a child that dies or hangs costs its case. */
async function parent(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calm-fuzz-'));
  const tally = new Map<string, Map<string, number>>();
  const failures: string[] = [];
  let [next, peakMegabytes] = [0, 0];
  const count = (target: string, result: string) => {
    const own = tally.get(target) ?? new Map<string, number>();
    tally.set(target, own.set(result, (own.get(result) ?? 0) + 1));
  };
  const isOfFiles = values.target !== COMMAND_LINE;
  while (isOfFiles && next < Number(values.count)) {
    const running = fork(import.meta.filename, [...process.argv.slice(2), '--from', String(next)], {
      env: { ...process.env, CALM_FUZZ_FOLDER: folder },
    });
    let lastMs = performance.now();
    let cause = 'the process died';
    const watch = setInterval(() => {
      if (performance.now() - lastMs > HANG_MS) {
        cause = 'it hung';
        running.kill('SIGKILL');
      }
      try {
        peakMegabytes = Math.max(
          peakMegabytes,
          Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
        );
      } catch {
        // Not Linux, or over.
      }
    }, 250);
    running.on('message', ({ number, outcome }: Message) => {
      lastMs = performance.now();
      next = number + 1;
      count(outcome.target, outcome.result);
      if (outcome.result === 'defect') failures.push(`case ${number}, ${outcome.target}: ${outcome.problem}`);
      if (next % 1000 === 0) console.log(`${next} cases, ${failures.length} failures`);
    });
    await new Promise((over) => running.on('exit', over));
    clearInterval(watch);
    if (next < Number(values.count)) failures.push(`case ${next++}: ${cause}`);
  }
  await fuzzCommands(folder, (number, { target, result, problem }) => {
    count(target, result);
    if (result === 'defect') failures.push(`case ${number}, ${target}: ${problem}`);
  });
  rmSync(folder, { recursive: true, force: true });
  const rows = [...tally].map(([target, results]) => [
    target,
    String([...results.values()].reduce((a, b) => a + b)),
    [...results]
      .sort((a, b) => b[1] - a[1])
      .map(([result, times]) => `${result} ${times}`)
      .join(', '),
  ]);
  console.log(`\n${formatTable(['target', 'cases', 'results'], rows)}\n`);
  if (peakMegabytes > MOST_MEGABYTES)
    failures.push(`the process had ${peakMegabytes.toFixed(0)} MB at its peak`);
  for (const failure of failures.slice(0, 20)) console.log(`FAILED ${failure}`);
  console.log(
    `${values.count} cases, seed ${values.seed}: ${failures.length} failures, peak memory ` +
      `${peakMegabytes.toFixed(0)} MB`,
  );
  process.exitCode = failures.length ? 1 : 0;
}

/** Cases of the command line: a tenth as many as of files, or all where they are named as the target. */
async function fuzzCommands(folder: string, tell: (number: number, outcome: Outcome) => void): Promise<void> {
  const { target, count, seed } = values;
  if (target !== undefined && target !== COMMAND_LINE) return;
  const numCases = Math.ceil(Number(count) / (target === undefined ? 10 : 1));
  const fuzz = new CommandLineFuzz(join(folder, 'command-line'));
  await fuzz.prepare();
  for (let number = Number(values.from); number < numCases; number++)
    tell(number, await fuzz.run(Number(seed), number));
  fuzz.end();
}

const folder = process.env.CALM_FUZZ_FOLDER;
await (folder ? child(folder) : parent());
