/** Kills a run with SIGKILL at random moments again and again, goes on each time with the same command, and compares what it ends with, byte by byte. */

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

/** Returns how many runs it took. Throws where one does not end, or ends with other bytes than a run that was never disturbed. */
export async function killAtRandom({
  folder,
  config,
  engine,
  count,
  seed,
  say = () => {},
}: Killing): Promise<number> {
  const start = (output: string) =>
    new RunningCli(['run', config, '--engine', engine, '--set', `output=${output}`, '--json'], folder);
  const began = performance.now();
  const straight = await start('undisturbed').result;
  if (straight.code !== 0) throw new Error(straight.stderr);
  const wholeMs = performance.now() - began;
  const stream = new RandomStream(seed, 'kills');
  let [kills, rounds] = [0, 0];
  while (kills < count) {
    // Each round is killed until it ends; the next begins afresh, so that every stage is hit.
    const output = `round-${rounds++}`;
    for (;;) {
      const running = start(output);
      if (kills < count && stream.nextUniform() < 0.9) {
        await sleep(300 + stream.nextUniform() * wholeMs * 0.6);
        running.process.kill('SIGKILL');
      }
      const { code, signal, stderr } = await running.result;
      if (signal === 'SIGKILL') kills++;
      else if (code !== 0) throw new Error(`after ${kills} kills: ${stderr}`);
      else break;
    }
    const differing = differingFiles(join(folder, output), join(folder, 'undisturbed'));
    if (differing.length) throw new Error(`after ${kills} kills, ${output}: ${differing.join(', ')} differ`);
    rmSync(join(folder, output), { recursive: true });
    say(`${kills} kills, ${rounds} runs: all files as in the undisturbed run`);
  }
  return rounds;
}
