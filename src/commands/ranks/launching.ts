/** `calm run --ranks`: starts as many of the same command by this machine's mpirun, and says how they end. */

import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism, constants, hostname } from 'node:os';
import { placeOf } from '../../cluster/ranks.ts';
import { launcherMissing, rankDied, ranksInvalid, ranksWithin } from '../../errors.ts';
import { hearSignals, STOPPING } from '../signals.ts';

/** The variable that names the process that has started the ranks. */
export const LAUNCHER = 'CALM_RANKS_LAUNCHER';

/** Whether this command has been started by `--ranks`, which still stands in its arguments. */
export function isLaunched(): boolean {
  return process.env[LAUNCHER] !== undefined;
}

/**
 * Carries the command out by so many ranks on this machine, which share its cores.
 * @param argv of the command, `--ranks` included
 * @returns the exit code
 */
export async function launchRanks(numRanks: number, argv: readonly string[]): Promise<number> {
  if (!Number.isInteger(numRanks) || numRanks < 1) throw ranksInvalid(numRanks);
  const place = placeOf();
  if (place) throw ranksWithin(place.size);
  const threads = Math.max(1, Math.floor(availableParallelism() / numRanks));
  const { name, args } = launcher(numRanks);
  const child = spawn(
    name,
    [...args, process.execPath, ...process.execArgv, process.argv[1] ?? '', ...argv],
    {
      env: { CALM_THREADS: String(threads), ...process.env, [LAUNCHER]: String(process.pid) },
      stdio: ['ignore', 'inherit', 'pipe'],
      // In a session of its own: Ctrl-C of a terminal would have it end the ranks before they have saved.
      detached: true,
    },
  );
  let signalled: number | undefined;
  const endHearing = hearSignals(
    (number) => {
      signalled = number;
      process.stderr.write(STOPPING);
      // mpirun hands this one on, and others it takes for its own.
      child.kill('SIGUSR1');
    },
    () => child.kill('SIGTERM'),
  );
  const said = new Said();
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.add(text));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(launcherMissing(name, error)));
    child.on('close', (exit, signal) => resolve(signal ? 128 + constants.signals[signal] : (exit ?? 1)));
  }).finally(endHearing);
  const end = said.end();
  if (code !== 0 && signalled === undefined && end) throw rankDied(end.rank, end.host, end.how);
  if (code !== 0) said.tellRest();
  return code !== 0 && signalled !== undefined ? 128 + signalled : code;
}

/** mpirun with its arguments: Open MPI's, or MPICH's. */
function launcher(numRanks: number): { name: string; args: string[] } {
  const name = process.env.CALM_MPIRUN ?? 'mpirun';
  let version: string;
  try {
    version = execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw launcherMissing(name, error);
  }
  const count = ['-n', String(numRanks)];
  if (!/Open MPI|OpenRTE|PRTE/i.test(version)) return { name, args: count };
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  return { name, args: [...asRoot, '--oversubscribe', '--bind-to', 'none', ...count] };
}

/** How a rank came to its end. */
interface End {
  readonly rank: number;
  readonly host: string;
  readonly how: string;
}

/** What comes from stderr: passed on, but for what the launcher says, much of it in frames of dashes. */
class Said {
  #line = '';
  #frame: string[] | undefined;
  readonly #frames: string[] = [];
  #hasSaidError = false;

  add(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (/^-{60,}$/.test(line)) {
      if (this.#frame) this.#frames.push(this.#frame.join('\n'));
      this.#frame = this.#frame ? undefined : [];
    } else if (this.#frame) this.#frame.push(line);
    // Open MPI's own lines begin with [host:process].
    else if (/^\[[\w.-]+:\d+\] /.test(line)) this.#frames.push(line);
    else if (!line.startsWith('mpirun: Forwarding signal')) {
      this.#hasSaidError ||= line.startsWith('✖ ');
      process.stderr.write(`${line}\n`);
    }
  }

  /** The rank that ended first, where it has not said why itself. */
  end(): End | undefined {
    if (this.#line) this.#take(this.#line);
    const find = (pattern: RegExp) => this.#frames.map((text) => pattern.exec(text)).find(Boolean);
    const signalled = find(/process rank (\d+) with PID \d+ on node (\S+) exited on\s+signal (\d+)/);
    if (signalled) {
      const [, rank, host = '', number] = signalled;
      const name = Object.entries(constants.signals).find(([, value]) => value === Number(number))?.[0];
      return { rank: Number(rank), host, how: `by ${name ?? `signal ${number}`}` };
    }
    // One that could not say why, or was not the first.
    const failed = this.#hasSaidError
      ? undefined
      : find(/Process name: \[\[\d+,\d+\],(\d+)\]\s+Exit code:\s+(\d+)/);
    if (!failed) return undefined;
    return { rank: Number(failed[1]), host: hostname(), how: `with exit code ${failed[2]}` };
  }

  /** What the launcher said, where no rank has said what was wrong. */
  tellRest(): void {
    if (!this.#hasSaidError) for (const text of this.#frames) process.stderr.write(`${text}\n`);
  }
}
