/** Many commands in one process, where starting one for each would take too long. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';
import type { CliResult } from './cli.ts';

const CHILD = join(import.meta.dirname, 'many-commands.js');

export interface CommandCase {
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Changes of the environment; null takes a variable away. */
  readonly env?: Readonly<Record<string, string | null>>;
}

export type CommandAnswer = Pick<CliResult, 'stdout' | 'stderr'> & { readonly code: number };

interface HostOptions {
  readonly cwd?: string;
  readonly uid?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Modules that the process loads before anything else. */
  readonly preload?: readonly string[];
}

export class CommandHost {
  readonly #child: ChildProcess;
  /** Settled when the process has nothing to do. */
  #isFree: Promise<unknown>;

  constructor(options: HostOptions = {}) {
    const { NODE_OPTIONS: _, ...env } = options.env ?? process.env;
    const user = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
    this.#child = fork(CHILD, [], {
      cwd: options.cwd,
      ...user,
      env: { ...env, NO_COLOR: '1', ORT_DISABLE_TELEMETRY: '1' },
      execArgv: ['--no-warnings', ...(options.preload ?? []).flatMap((file) => ['--import', file])],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#isFree = this.#next();
    this.#isFree.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Runs a command when those before it are over.
   * @param limitMs a command that takes longer is an error, and the process is killed
   */
  run(command: CommandCase, limitMs?: number): Promise<CommandAnswer> {
    const answer = this.#isFree.then(() => {
      if (!this.#child.connected) throw new Error('its process is over');
      const next = this.#next(limitMs);
      this.#child.send(command);
      return next as Promise<CommandAnswer>;
    });
    this.#isFree = answer.catch(() => {});
    return answer;
  }

  /** Ends it when it has nothing to do, as a program ends: what it says at its end is written by then. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const isOver = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await isOver;
  }

  #next(limitMs?: number): Promise<unknown> {
    return new Promise((done, fail) => {
      const onExit = (code: number | null, signal: string | null) =>
        over(new Error(`it ended: ${signal ?? code}`));
      const onMessage = (message: unknown) => over(undefined, message);
      const onLimit = () => {
        this.#child.kill('SIGKILL');
        over(new Error(`it took longer than ${limitMs} ms`));
      };
      const timer = limitMs === undefined ? undefined : setTimeout(onLimit, limitMs);
      const over = (error: Error | undefined, message?: unknown) => {
        clearTimeout(timer);
        this.#child.off('exit', onExit).off('message', onMessage);
        if (error) fail(error);
        else done(message);
      };
      this.#child.once('exit', onExit).once('message', onMessage);
    });
  }
}

/**
 * A `calm` like that of cli.ts whose commands run one after another in one process, which begins with the
 * first. For tests of what a command does, not of how it starts or ends.
 * @param owner the test with which the process ends, or ava's `test` for all tests of a file
 */
export function calmInOneProcess(owner: TestFn | ExecutionContext<unknown>, options: HostOptions = {}) {
  let host: CommandHost | undefined;
  const end = () => host?.end();
  if ('teardown' in owner) owner.teardown(end);
  else owner.after.always(end);
  return (args: readonly string[], cwd: string, environment: Record<string, string | undefined> = {}) => {
    host ??= new CommandHost(options);
    const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value ?? null]));
    return host.run({ args, cwd, env });
  };
}
