import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { RunningCli } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

test(
  'files that are not what the manifest says: sizes make a stage out of date, contents are found by ' +
    'calm verify',
  async (t) => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder);
    const run = () => calm(['run', config, '--until', 'tokenize', '--json'], folder);
    t.is((await run()).code, 0);
    const stateOf = async () => JSON.parse((await run()).stdout).stages[0].state;
    t.is(await stateOf(), 'up to date');
    const whole = await calm(['verify', 'runs/tiny'], folder);
    t.is(whole.code, 0, whole.stderr);
    t.regex(whole.stdout, /tokenize +whole +\d+/);

    const shard = join(folder, 'runs/tiny/tokenize/tokens/train-00000.bin');
    const bytes = readFileSync(shard);
    bytes[100] ^= 1;
    writeFileSync(shard, bytes);
    const flipped = await calm(['verify', 'runs/tiny'], folder);
    t.is(flipped.code, 1);
    t.regex(flipped.stderr, /CALM_VERIFY_FAILED[\s\S]*train-00000\.bin has other contents[\s\S]*--force/);
    t.is(await stateOf(), 'up to date', 'a flipped bit is not seen by the sizes');

    appendFileSync(shard, 'xx');
    t.regex(
      (await calm(['plan', config, '--until', 'tokenize'], folder)).stdout,
      /tokenize +out of date +tokens\/train-00000\.bin has \d+ bytes instead of/,
    );
    t.is(await stateOf(), 'done');
    rmSync(shard);
    t.regex(
      (await calm(['plan', config, '--until', 'tokenize'], folder)).stdout,
      /train-00000\.bin is missing/,
    );
    t.is(await stateOf(), 'done');
    t.is((await calm(['verify', 'runs/tiny'], folder)).code, 0);
  },
);

test('calm status shows from another terminal how far a stage is, and that it stopped', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-autoencoder': { steps: 100_000 } });
  const early = JSON.parse((await calm(['status', config, '--json'], folder)).stdout) as {
    error: { code: string };
  };
  t.is(early.error.code, 'CALM_RUN_MISSING', 'before the run has a folder');
  const running = new RunningCli(['run', config, '--until', 'train-autoencoder', '--engine', 'onnx'], folder);
  const status = async () =>
    JSON.parse((await calm(['status', config, '--json'], folder)).stdout) as {
      process: number | null;
      stages: {
        name: string;
        state: string;
        last?: { step: number };
        progress?: { step: number; steps: number };
      }[];
    };
  let found = await status();
  for (let i = 0; i < 60 && !(found.stages?.[1]?.last && found.stages[1].progress); i++) {
    await sleep(500);
    found = await status();
  }
  t.is(found.stages[0].state, 'done');
  t.is(found.stages[1].state, 'at work');
  t.true((found.stages[1].last?.step ?? 0) > 0);
  t.is(found.stages[1].progress?.steps, 100_000);
  t.is(typeof found.process, 'number');
  running.process.kill('SIGINT');
  await running.result;
  const stopped = await status();
  t.is(stopped.process, null);
  t.deepEqual(
    stopped.stages.map(({ state }) => state),
    ['done', 'stopped', ...Array(4).fill('has not been run')],
  );
});
