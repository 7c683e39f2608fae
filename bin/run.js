#!/usr/bin/env node
// The `calm` executable. Written in the JavaScript that Node 16 reads, so that an old Node gets an answer instead of a syntax error.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRED = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);
const isOld = major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1]);

if (isOld) runWithBundledNode();
else runCalm();

async function runCalm() {
  exitWithParent();
  const { execute } = await import('@oclif/core');
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  await execute({ loadOptions: { root, pluginAdditions: pluginsOfProject(process.cwd()) } });
}

/** oclif plugins called calm-plugin-… among the dependencies of the project that calm is started in. */
function pluginsOfProject(path) {
  return existsSync(join(path, 'package.json'))
    ? { core: ['calm-plugin-*', '@*/calm-plugin-*'], path }
    : undefined;
}

/** Starts this command again with the Node that npm put into node_modules (the package `node`). */
function runWithBundledNode() {
  const node = bundledNode();
  if (!node) {
    console.error(
      `calm needs Node ${REQUIRED.join('.')} or newer, this is ${process.versions.node}.\n` +
        'Run `npm ci` (or `npm install`) with install scripts allowed: it brings a newer Node as the package `node`. Or install Node 22 or newer.',
    );
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // Ctrl-C reaches the child by itself, with the terminal's process group; a signal sent to this process alone is handed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === 'SIGKILL')
      console.error(
        'calm was killed. If that was not you, the machine ran out of memory: smaller batches need less.',
      );
    process.exit(signal ? 128 + 9 : (code ?? 1));
  });
}

function bundledNode() {
  try {
    const file = createRequire(import.meta.url).resolve('node/bin/node');
    return file;
  } catch {
    return undefined;
  }
}

/** The child of an older Node must not outlive it: a killed `calm` would go on writing into its run folder. */
function exitWithParent() {
  if (!process.channel) return;
  process.on('disconnect', () => process.exit(137));
  process.channel.unref();
}
