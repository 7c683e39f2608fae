/** Runs the built `calm` as a user does. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const EXECUTABLE = join(ROOT, 'bin/run.js');

/**
 * Somebody who may read the project and not change it, for tests that root runs, whom no mode stops.
 * @returns the number of a user that the system does not know; undefined for anybody but root, and where the
 *   project lies in a folder that only root may enter
 */
export function otherUser(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const uid = 54_321;
  const { status } = spawnSync(process.execPath, ['-e', 'fs.accessSync(process.argv[1])', EXECUTABLE], {
    cwd: '/',
    uid,
    gid: uid,
  });
  return status === 0 ? uid : undefined;
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. ava's own conditions must not reach it: it runs what was built. */
export class RunningCli {
  readonly process: ChildProcess;
  readonly result: Promise<CliResult>;
  #stdout = '';
  #stderr = '';

  /** @param start another Node than that of the tests; whether it leads a process group of its own */
  constructor(
    args: readonly string[],
    cwd: string,
    environment: Record<string, string | undefined> = {},
    { node = process.execPath, detached = false }: { node?: string; detached?: boolean } = {},
  ) {
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.process = spawn(node, [EXECUTABLE, ...args], {
      cwd,
      detached,
      env: { ...env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk;
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk;
    });
    this.result = new Promise((done) => {
      this.process.on('close', (code, signal) =>
        done({ code, signal, stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
  }

  /** Sends a signal as soon as it has come that far. @returns when it is over */
  async signalWhen(isFar: () => boolean, signal: NodeJS.Signals): Promise<CliResult> {
    let isOver = false;
    void this.result.then(() => {
      isOver = true;
    });
    while (!isOver && !isFar()) await sleep(5);
    this.process.kill(signal);
    return this.result;
  }
}

export function calm(
  args: readonly string[],
  cwd: string,
  environment?: Record<string, string | undefined>,
): Promise<CliResult> {
  return new RunningCli(args, cwd, environment).result;
}

/** The path of an installed package's main file, as a plain Node program sees it. */
export function resolvePackage(name: string): string {
  return createRequire(join(ROOT, 'package.json')).resolve(name);
}
