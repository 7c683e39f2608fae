/** Runs the built `calm` in a pseudo-terminal, which util-linux's script(1) gives. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { EXECUTABLE } from './cli.ts';
import { PATH_WITH_CALM } from './path-with-calm.ts';

/** Whether this machine has such a script(1). */
export const hasTerminal =
  process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

export class Terminal {
  readonly #process: ChildProcess;
  readonly code: Promise<number | null>;
  #output = '';
  #seen = 0;

  /** @param columns 0: as terminals of CI report */
  constructor(args: readonly string[], cwd: string, columns: number) {
    const { NODE_OPTIONS: _, CI: __, ...env } = process.env;
    const command = [process.execPath, EXECUTABLE, ...args].map(quoted).join(' ');
    this.#process = spawn('script', ['-qec', `stty cols ${columns} rows 40; ${command}`, '/dev/null'], {
      cwd,
      env: { ...env, PATH: PATH_WITH_CALM, TERM: 'xterm', NO_COLOR: '1' },
    });
    this.#process.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk;
    });
    this.code = new Promise((done) => this.#process.on('close', done));
  }

  /** Waits until something is shown that was not waited for before, then types. */
  async answer(shown: string, keys: string): Promise<void> {
    let isOver = false;
    this.code.then(() => {
      isOver = true;
    });
    for (;;) {
      const at = this.#output.indexOf(shown, this.#seen);
      if (at >= 0) {
        this.#seen = at + shown.length;
        break;
      }
      if (isOver) throw new Error(`"${shown}" was never shown:\n${this.text}`);
      await new Promise((done) => setTimeout(done, 20));
    }
    this.#process.stdin?.write(keys);
  }

  /** What was shown, without control characters. */
  get text(): string {
    return stripVTControlCharacters(this.#output).replaceAll('\r', '');
  }
}
