#!/usr/bin/env node
// The `calm` executable. Written in the JavaScript that Node 16 reads, so that an old Node gets an answer
// instead of a syntax error.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { standInForUnlistedUser } from './unlisted-user.js';

const REQUIRED = [22, 18];
const PASSED_ON = 'SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR1 SIGUSR2 SIGALRM SIGXCPU SIGWINCH SIGCONT'.split(' ');
const [major, minor] = process.versions.node.split('.').map(Number);
const isOld = major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1]);

// ONNX Runtime reads it when it is loaded: no device id, no event database, no look-up of a telemetry host.
process.env.ORT_DISABLE_TELEMETRY ||= '1';
standInForUnlistedUser();
if (process.argv[2] === 'complete') answerShell();
else if (isOld) runWithBundledNode();
else runCalm();

/** A shell asks how the line may go on: at once, with whatever Node there is. */
async function answerShell() {
  const { complete } = await import('../dist/src/commands/completion/complete.js');
  complete(dirname(dirname(fileURLToPath(import.meta.url))), process.argv.slice(3));
}

async function runCalm() {
  endOnUser1();
  exitWithParent();
  (await import('./one-calm.js')).beTheOnlyCalm();
  const { Command } = await import('@oclif/core');
  const { main } = await import('../dist/src/commands/main.js');
  if (Command) watchOutput();
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  await main(process.argv.slice(2), { root, pluginAdditions: pluginsOfProject(process.cwd()) });
}

/** oclif plugins called calm-plugin-… among the dependencies of the project that calm is started in. */
function pluginsOfProject(path) {
  return existsSync(join(path, 'package.json'))
    ? { core: ['calm-plugin-*', '@*/calm-plugin-*'], path }
    : undefined;
}

/**
 * Where stdout is full or closed, says so in one line and ends with code 1. A command that has work to save
 * does that first, as on SIGTERM.
 * Takes the place of oclif's listener, which throws.
 */
function watchOutput() {
  process.stderr.on('error', () => {});
  process.stdout.removeAllListeners('error');
  process.stdout.once('error', (error) => {
    process.stdout.on('error', () => {});
    process.stderr.write(`✖ CALM_OUTPUT  stdout can't be written: ${error.message}\n`);
    process.on('exit', () => {
      process.exitCode = 1;
    });
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1);
  });
}

/**
 * Node opens a debugger on SIGUSR1 unless someone listens. A command that does not itself listen is ended, as
 * by any other signal.
 */
function endOnUser1() {
  process.on('SIGUSR1', () => {
    if (process.listenerCount('SIGUSR1') === 1) process.exit(128 + constants.signals.SIGUSR1);
  });
}

/** Starts this command again with the Node that npm put into node_modules (the package `node`). */
function runWithBundledNode() {
  const node = bundledNode();
  if (!node) {
    console.error(
      `calm needs Node ${REQUIRED.join('.')} or newer, and this is ${process.versions.node}.\n` +
        'Install Node 22 or newer, or put one beside calm: npm install node@22. A clone of the sources ' +
        'gets one with ' +
        '`npm ci` where install scripts are allowed.',
    );
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // In a session of its own: what a terminal or a job scheduler sends to the whole group reaches it once,
    // by way of this process.
    detached: process.platform !== 'win32',
  });
  const passedOn = passSignals(child);
  child.on('error', (error) => {
    console.error(`calm can't start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal && !passedOn.has(signal)) console.error(lastWords(signal));
    process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1));
  });
}

/** Hands on to the child what this process gets; returns the signals that were. */
function passSignals(child) {
  const passedOn = new Set();
  // There Ctrl-C reaches both by the console.
  if (process.platform === 'win32') {
    process.on('SIGINT', () => {});
    return passedOn.add('SIGINT');
  }
  // Before the child listens, SIGUSR1 would open a debugger.
  const isListening = new Promise((resolve) => child.once('message', resolve));
  for (const signal of PASSED_ON)
    process.on(signal, async () => {
      passedOn.add(signal);
      if (signal === 'SIGUSR1') await isListening;
      child.kill(signal);
    });
  // Ctrl-Z: the child can't be stopped by SIGTSTP, for no shell minds its session.
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
  return passedOn;
}

function lastWords(signal) {
  const advice = 'If that was not you, the machine ran out of memory: smaller batches need less.';
  return signal === 'SIGKILL' ? `calm was killed. ${advice}` : `calm was ended by ${signal}.`;
}

function bundledNode() {
  try {
    const file = createRequire(import.meta.url).resolve('node/bin/node');
    return file;
  } catch {
    return undefined;
  }
}

/**
 * The child of an older Node must not outlive it: a killed `calm` would go on writing into its run folder.
 */
function exitWithParent() {
  if (!process.channel) return;
  process.on('disconnect', () => process.exit(137));
  process.send('listening');
  process.channel.unref();
}
