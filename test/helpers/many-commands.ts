/** Many commands in one process, where starting one for each would take too long. */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { CliResult } from './cli.ts';

const CHILD = join(import.meta.dirname, 'many-commands.js');

export interface CommandCase {
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Changes of the environment; null takes a variable away. */
  readonly env?: Readonly<Record<string, string | null>>;
}

export type CommandAnswer = Pick<CliResult, 'stdout' | 'stderr'> & { readonly code: number };

export class CommandHost {
  readonly #child: ChildProcess;
  readonly #isReady: Promise<void>;

  constructor(options: { readonly cwd: string; readonly uid?: number; readonly env?: NodeJS.ProcessEnv }) {
    const { NODE_OPTIONS: _, ...env } = options.env ?? process.env;
    const user = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
    this.#child = fork(CHILD, [], {
      cwd: options.cwd,
      ...user,
      env: { ...env, NO_COLOR: '1', ORT_DISABLE_TELEMETRY: '1' },
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#isReady = this.#next().then(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @param limitMs a command that takes longer is an error, and the process is killed */
  async run(command: CommandCase, limitMs = 60_000): Promise<CommandAnswer> {
    await this.#isReady;
    const answer = this.#next(limitMs);
    this.#child.send(command);
    return (await answer) as CommandAnswer;
  }

  /** Ends it when it has nothing to do, as a program ends: what it says at its end is written. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #next(limitMs = 60_000): Promise<unknown> {
    return new Promise((done, fail) => {
      const onExit = (code: number | null, signal: string | null) =>
        over(new Error(`it ended: ${signal ?? code}`));
      const onMessage = (message: unknown) => over(undefined, message);
      const timer = setTimeout(() => {
        this.#child.kill('SIGKILL');
        over(new Error(`it took longer than ${limitMs} ms`));
      }, limitMs);
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
