/**
 * npm run kills [-- --count 100 --seed 1 --config configs/smoke.yaml]: kills a run with SIGKILL at random moments again and again, goes on each time with the same
 * command, and compares what it ends with, byte by byte, with a run that was never disturbed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RandomStream } from '../../src/random.ts';
import { RunningCli } from './cli.ts';
import { contentsOf } from './run-contents.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    config: { type: 'string', default: 'configs/smoke.yaml' },
    engine: { type: 'string', default: 'onnx' },
  },
});
const [count, seed, config] = [Number(values.count), Number(values.seed), resolve(values.config)];
const folder = mkdtempSync(join(tmpdir(), 'calm-kills-'));
const start = (output: string) => new RunningCli(['run', config, '--engine', values.engine, '--set', `output=${output}`, '--json'], folder);

const began = performance.now();
const calm = await start('undisturbed').result;
if (calm.code !== 0) throw new Error(calm.stderr);
const wholeMs = performance.now() - began;
const stream = new RandomStream(seed, 'kills');
let [kills, rounds] = [0, 0];
while (kills < count) {
  // Each round is killed until it ends; the next begins afresh, so that every stage is hit.
  const output = `round-${rounds++}`;
  for (;;) {
    const running = start(output);
    const isKilled = kills < count && stream.nextUniform() < 0.9;
    if (isKilled) {
      await sleep(300 + stream.nextUniform() * wholeMs * 0.6);
      running.process.kill('SIGKILL');
    }
    const { code, signal, stderr } = await running.result;
    if (signal === 'SIGKILL') kills++;
    else if (code !== 0) throw new Error(`after ${kills} kills: ${stderr}`);
    else break;
  }
  const [found, expected] = [contentsOf(join(folder, output)), contentsOf(join(folder, 'undisturbed'))];
  const differing = [...new Set([...found.keys(), ...expected.keys()])].filter((file) => found.get(file) !== expected.get(file));
  if (differing.length) throw new Error(`after ${kills} kills, ${output}: ${differing.join(', ')} differ`);
  rmSync(join(folder, output), { recursive: true });
  console.log(`${kills} kills, ${rounds} runs: all files as in the undisturbed run`);
}
rmSync(folder, { recursive: true });
console.log(`${kills} kills over ${rounds} runs, seed ${seed}: weights, metrics and every other file bit-identical, no stray file`);
