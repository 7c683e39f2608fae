/**
 * Whether the other ranks live, seen by files that they write anew every few seconds, each with how often its
 * event loop has turned. A launcher ends all ranks when one dies; this is for those that do not, for machines
 * that go dark, and for ranks that hang.
 */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { deadlineInvalid, rankHangs, rankSilent } from '../errors.ts';

export interface WatchTimes {
  readonly beatMs: number;
  /** A rank whose file is the same for longer is dead, stopped, or out of reach. */
  readonly silentMs: number;
  /** One that lives and does not come further for longer hangs: longer than the longest step. */
  readonly deadlineMs: number;
}

const SECOND = 1000;
const DEFAULTS: WatchTimes = {
  beatMs: 2 * SECOND,
  silentMs: 30 * SECOND,
  deadlineMs: 1800 * SECOND,
};

/** CALM_RANK_DEADLINE: seconds. */
export function watchTimes(given = process.env.CALM_RANK_DEADLINE): WatchTimes {
  if (!given) return DEFAULTS;
  const seconds = Number(given);
  if (!(seconds > 0)) throw deadlineInvalid(given);
  return { ...DEFAULTS, deadlineMs: SECOND * seconds };
}

/** What was last seen of a rank, and since when by this process's clock. */
interface Seen {
  readonly beat: string;
  readonly beatMs: number;
  readonly turns: string;
  readonly turnsMs: number;
}

export class Watch {
  readonly #folder: string;
  readonly #times: WatchTimes;
  readonly #seen = new Map<number, Seen>();
  readonly #own: string;
  readonly #heart: Worker;
  readonly #turning: NodeJS.Timeout;

  /** @param folder that all ranks see */
  constructor(folder: string, rank: number, times: WatchTimes = watchTimes()) {
    [this.#folder, this.#times, this.#own] = [folder, times, fileOf(folder, rank)];
    const turns = new Int32Array(new SharedArrayBuffer(4));
    this.#turning = setInterval(() => Atomics.add(turns, 0, 1), times.beatMs);
    this.#turning.unref();
    const script = `./heartbeat${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`;
    const workerData = { file: this.#own, turns, beatMs: times.beatMs };
    this.#heart = new Worker(new URL(script, import.meta.url), { workerData });
    this.#heart.unref();
    this.#heart.on('error', () => {});
  }

  /** Looks at ranks that are waited for. Throws where one is silent, or hangs. */
  look(ranks: readonly number[]): void {
    for (const rank of new Set(ranks)) this.#lookAt(rank, performance.now());
  }

  #lookAt(rank: number, nowMs: number): void {
    const { silentMs, deadlineMs } = this.#times;
    const [beat = '', turns = ''] = this.#read(rank).split(' ');
    const before = this.#seen.get(rank);
    const seen = {
      ...{ beat, turns },
      beatMs: before?.beat === beat ? before.beatMs : nowMs,
      turnsMs: before?.turns === turns ? before.turnsMs : nowMs,
    };
    this.#seen.set(rank, seen);
    if (nowMs - seen.beatMs > silentMs) throw rankSilent(rank, silentMs / SECOND);
    if (nowMs - seen.turnsMs > deadlineMs) throw rankHangs(rank, deadlineMs / SECOND);
  }

  #read(rank: number): string {
    try {
      return readFileSync(fileOf(this.#folder, rank), 'utf8');
    } catch {
      return '';
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#turning);
    await this.#heart.terminate();
    rmSync(this.#own, { force: true });
  }
}

function fileOf(folder: string, rank: number): string {
  return join(folder, `rank-${rank}.beat`);
}
