/**
 * What bin/run.js does around a command: the way to a newer Node, signals, a user without a home folder, a
 * stdout that can't be written.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { calm as calmAlone, EXECUTABLE, otherUser, RunningCli } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { folderMadeOnce, temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

/** A Node that is too old to run calm itself, but hands over. */
function oldNode(): string | undefined {
  const found = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return found.filter(existsSync).find((file) => {
    const [major, minor] = execFileSync(file, ['-p', 'process.versions.node'])
      .toString()
      .split('.')
      .map(Number);
    return major >= 18 && (major < 22 || (major === 22 && minor < 18));
  });
}

const node = process.platform === 'linux' ? oldNode() : undefined;
const withOldNode = node ? test.serial : test.skip;

const calm = calmInOneProcess(test);

/** A training whose corpus is tokenized. */
const tokenizedProject = folderMadeOnce(test, (folder) => {
  const config = writeTinyProject(folder, { 'train-autoencoder': { steps: 1_000_000 } });
  return calm(['run', config, '--until', 'tokenize'], folder);
});
const TRAINING = ['run', 'tiny.yaml', '--until', 'train-autoencoder'];

/** The process that the outer one has started. */
function innerOf(cli: RunningCli): number {
  const { pid } = cli.process;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** A training by way of an old Node that has got to its first metrics. */
async function training(t: ExecutionContext): Promise<RunningCli> {
  t.timeout(120_000);
  const folder = await tokenizedProject(t);
  const cli = new RunningCli(TRAINING, folder, {}, { node: node as string, detached: true });
  t.teardown(() => cli.process.kill('SIGKILL'));
  const metrics = join(folder, 'runs/tiny/.work/train-autoencoder/metrics.jsonl');
  while (!existsSync(metrics) && cli.process.exitCode === null) await sleep(20);
  return cli;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
  withOldNode(
    `${signal} to the outer process reaches the inner one, and its number is in the exit code`,
    async (t) => {
      const cli = await training(t);
      const inner = innerOf(cli);
      cli.process.kill(signal);
      const { code, stderr } = await cli.result;
      t.is(code, 128 + constants.signals[signal], stderr);
      t.notRegex(stderr, /Debugger/);
      t.false(existsSync(`/proc/${inner}`));
    },
  );
}

withOldNode('a signal to the whole group, as of Ctrl-C, arrives once', async (t) => {
  const cli = await training(t);
  process.kill(-(cli.process.pid as number), 'SIGINT');
  const { code, stderr } = await cli.result;
  t.is(code, 130, stderr);
  t.is(stderr.split('stopping after this step').length, 2);
  t.regex(stderr, /CALM_INTERRUPTED/);
});

for (const [signal, words] of [
  ['SIGKILL', /calm was killed.*memory/],
  ['SIGABRT', /calm was ended by SIGABRT/],
] as const) {
  withOldNode(`an inner process that ${signal} ended`, async (t) => {
    const cli = await training(t);
    process.kill(innerOf(cli), signal);
    const { code, stderr } = await cli.result;
    t.is(code, 128 + constants.signals[signal]);
    t.regex(stderr, words);
  });
}

test('SIGUSR1 opens no debugger', async (t) => {
  t.timeout(60_000);
  const folder = await tokenizedProject(t);
  const cli = new RunningCli(TRAINING, folder);
  while (!existsSync(join(folder, 'runs/tiny/.work/train-autoencoder'))) await sleep(20);
  cli.process.kill('SIGUSR1');
  const { code, stderr } = await cli.result;
  t.is(code, 128 + constants.signals.SIGUSR1);
  t.notRegex(stderr, /Debugger/);
});

test('a user without a home folder, or in no list of users', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder);
  for (const HOME of ['', 'relative', undefined]) {
    const { code, stderr } = await calmAlone(['plan', config], folder, { HOME });
    t.is(code, 0, stderr);
  }
  const uid = otherUser();
  if (uid === undefined) return;
  const { status, stderr } = spawnSync(process.execPath, [EXECUTABLE, 'stages'], {
    cwd: '/',
    env: { PATH: process.env.PATH },
    uid,
    gid: uid,
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
});

const hasFull = existsSync('/dev/full');
(hasFull ? test : test.skip)('a stdout that is full is one line and code 1, for every command', (t) => {
  for (const args of [['stages'], ['stages', '--json'], ['--help'], ['--version']]) {
    const { status, stderr } = spawnSync(process.execPath, [EXECUTABLE, ...args], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      encoding: 'utf8',
    });
    t.is(status, 1, args.join(' '));
    t.regex(stderr, /^✖ CALM_OUTPUT {2}stdout can't be written: .*ENOSPC.*\n$/);
  }
});

test('a stdout that is closed is one line and code 1', async (t) => {
  const cli = new RunningCli(['stages'], temporaryFolder(t));
  cli.process.stdout?.destroy();
  const { code, stderr } = await cli.result;
  t.is(code, 1);
  t.regex(stderr, /^✖ CALM_OUTPUT {2}stdout can't be written: .*EPIPE.*\n$/);
});
