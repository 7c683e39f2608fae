/**
 * Kills a run with SIGKILL at random moments again and again, goes on each time with the same command, and
 * compares what
 * it ends with, byte by byte. Every other kill waits for the stage that was hit least, so that short ones are
 * hit too.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RandomStream } from '../../src/random.ts';
import { RunningCli } from './cli.ts';
import { differingFiles } from './run-contents.ts';

interface Killing {
  /** Where runs are made; the configuration's path is relative to it. */
  readonly folder: string;
  readonly config: string;
  readonly engine: string;
  readonly count: number;
  readonly seed: number;
  readonly say?: (text: string) => void;
}

export interface Killed {
  /** How many runs it took. */
  readonly rounds: number;
  /** Stage → how many kills hit it at work. */
  readonly hits: ReadonlyMap<string, number>;
}

/** So many times the wanted number of kills are made for a stage that is hard to hit. */
const MOST_TRIES = 5;

/** Throws where a run does not end, or ends with other bytes than a run that was never disturbed. */
export async function killAtRandom({ say = () => {}, ...killing }: Killing): Promise<Killed> {
  const { folder, count, seed } = killing;
  const { wholeMs, stageMs } = await undisturbed(killing);
  const stream = new RandomStream(seed, 'kills');
  const hits = new Map([...stageMs.keys()].map((stage) => [stage, 0]));
  let [kills, rounds] = [0, 0];
  const isWanted = () =>
    kills < count || (kills < MOST_TRIES * count && [...hits.values()].some((number) => number === 0));
  while (isWanted()) {
    // Each round is killed until it ends; the next begins afresh.
    const output = `round-${rounds++}`;
    for (;;) {
      const running = start(killing, output);
      const stageAtWork = watchStages(running);
      if (isWanted()) {
        const rarest = rarestOf(hits);
        if (kills % 2 === 0)
          void killWithin(running, rarest, stream.nextUniform() * 0.7 * (stageMs.get(rarest) ?? 0));
        else void killAfter(running, 300 + stream.nextUniform() * wholeMs * 0.6);
      }
      const { code, signal, stderr } = await running.result;
      if (signal === 'SIGKILL') {
        kills++;
        const stage = stageAtWork();
        if (stage !== undefined) hits.set(stage, (hits.get(stage) ?? 0) + 1);
      } else if (code !== 0) throw new Error(`after ${kills} kills: ${stderr}`);
      else break;
    }
    const differing = differingFiles(join(folder, output), join(folder, 'undisturbed'));
    if (differing.length) throw new Error(`after ${kills} kills, ${output}: ${differing.join(', ')} differ`);
    rmSync(join(folder, output), { recursive: true });
    say(`${kills} kills, ${rounds} runs: all files as in the undisturbed run`);
  }
  return { rounds, hits };
}

/** The stage that was hit least; of several the first, so that one run is hit in one stage after another. */
function rarestOf(hits: ReadonlyMap<string, number>): string {
  const least = Math.min(...hits.values());
  return [...hits].find(([, number]) => number === least)?.[0] ?? '';
}

function start({ folder, config, engine }: Killing, output: string): RunningCli {
  return new RunningCli(['run', config, '--engine', engine, '--set', `output=${output}`, '--json'], folder);
}

/** The run that the others are compared with, and how long it and its stages take. */
async function undisturbed(killing: Killing): Promise<{ wholeMs: number; stageMs: Map<string, number> }> {
  const began = performance.now();
  const { code, stdout, stderr } = await start(killing, 'undisturbed').result;
  if (code !== 0) throw new Error(stderr);
  const { stages } = JSON.parse(stdout) as { stages: { name: string; seconds: number }[] };
  const stageMs = new Map(stages.map(({ name, seconds }) => [name, seconds * 1000]));
  return { wholeMs: performance.now() - began, stageMs };
}

/** Tells which stage is at work, by what a run says. */
function watchStages(running: RunningCli): () => string | undefined {
  let said = '';
  running.process.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  return () => {
    const marks = [...said.matchAll(/^([▶✔]) (\S+)/gm)];
    const [, mark, stage] = marks.at(-1) ?? [];
    return mark === '▶' ? stage : undefined;
  };
}

async function killAfter(running: RunningCli, delayMs: number): Promise<void> {
  await sleep(delayMs);
  running.process.kill('SIGKILL');
}

/** Kills a run so long after a stage of it has begun. */
async function killWithin(running: RunningCli, stage: string, delayMs: number): Promise<void> {
  const stageAtWork = watchStages(running);
  let isOver = false;
  void running.result.then(() => {
    isOver = true;
  });
  while (!isOver && stageAtWork() !== stage) await sleep(2);
  await killAfter(running, delayMs);
}
