/** Downloads from the hub, with a live line; what is there already is not mentioned. */

import type { FetchProgress } from '../hub/fetching.ts';
import type { PlanOptions } from '../pipeline/index.ts';
import { type Detail, formatBytes, formatSeconds } from '../reporting/index.ts';
import { startLiveLine } from '../reporting/live-line.ts';
import { warn } from './base-command.ts';

/** Plain lines, without a terminal, come at most this often. */
const PLAIN_INTERVAL_MS = 10_000;

/** For a plan that may download. */
export function downloading(isJson: boolean, detail: Detail): NonNullable<PlanOptions['download']> {
  const isQuiet = isJson || detail === 'quiet';
  return async (address, use) => {
    const { fetchFromHub } = await import('../hub/fetching.ts');
    const startedMs = performance.now();
    const line = isQuiet ? undefined : new DownloadLine(address);
    let latest: FetchProgress | undefined;
    try {
      await fetchFromHub(address, use, {
        onProgress: (progress) => {
          latest = progress;
          line?.show(progress);
        },
        onWait: (problem, waitMs) => line?.say(`${problem}; asked again in ${formatSeconds(waitMs / 1000)}.`),
        note: (message) => line?.say(message),
        warn,
      });
    } finally {
      line?.end();
    }
    const seconds = formatSeconds((performance.now() - startedMs) / 1000);
    if (latest && line) line.say(`✔ ${address}: ${formatBytes(latest.totalBytes)} in ${seconds}`);
  };
}

class DownloadLine {
  readonly #address: string;
  #live: ReturnType<typeof startLiveLine> | undefined;
  #startedMs = 0;
  #startedBytes = 0;
  #saidMs = 0;

  constructor(address: string) {
    this.#address = address;
  }

  show({ doneBytes, totalBytes }: FetchProgress): void {
    const now = performance.now();
    // What a cut download left does not count as speed.
    if (this.#startedMs === 0) [this.#startedMs, this.#saidMs, this.#startedBytes] = [now, now, doneBytes];
    const rate = (1000 * (doneBytes - this.#startedBytes)) / Math.max(1, now - this.#startedMs);
    const text =
      `${this.#address}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}` +
      (rate > 0 ? ` · ${formatBytes(rate)}/s · ${formatSeconds((totalBytes - doneBytes) / rate)} left` : '');
    if (process.stderr.isTTY) {
      this.#live ??= startLiveLine(text);
      this.#live.text = text;
    } else if (now - this.#saidMs > PLAIN_INTERVAL_MS) {
      this.#saidMs = now;
      this.say(text);
    }
  }

  /** A line that stays, above the live one. */
  say(text: string): void {
    this.#live?.stop();
    process.stderr.write(`  ${text}\n`);
    this.#live?.start();
  }

  end(): void {
    this.#live?.stop();
    this.#live = undefined;
  }
}
