/**
 * Windows that are scored, kept in a file as they come, so that a stopped evaluation resumes with those that
 * are missing.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { GrowingFile } from '../artifacts/index.ts';
import { NUM_FACTORS } from './brier-score.ts';

/** What is kept of a window. */
export interface ScoredWindow {
  /** Its estimates of Brier-1 … Brier-4. */
  readonly sums: readonly number[];
  /** Samples that ended before their first token. */
  readonly numEmpty: number;
}

const line = z.object({
  settings: z.string(),
  window: z.int().nonnegative(),
  sums: z.array(z.number()).length(NUM_FACTORS),
  numEmpty: z.int().nonnegative(),
});

const NEWLINE = 10;

export class KeptWindows {
  readonly #settings: string;
  readonly #file: GrowingFile;
  readonly #windows = new Map<number, ScoredWindow>();

  /**
   * @param file JSON Lines, a window each; made where it is absent. A last line that was cut short is removed
   * @param settings fingerprint of all that decides a window's samples: windows of other settings are passed
   * over
   */
  constructor(file: string, settings: string) {
    this.#settings = settings;
    mkdirSync(dirname(file), { recursive: true });
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const length = bytes.lastIndexOf(NEWLINE) + 1;
    for (const text of bytes.toString('utf8', 0, length).split('\n')) this.#take(text);
    this.#file = new GrowingFile(file, length);
  }

  get size(): number {
    return this.#windows.size;
  }

  get(window: number): ScoredWindow | undefined {
    return this.#windows.get(window);
  }

  /** Keeps a window; it survives a kill at once and a power cut too. */
  add(window: number, { sums, numEmpty }: ScoredWindow): void {
    this.#windows.set(window, { sums, numEmpty });
    const record = { settings: this.#settings, window, sums, numEmpty };
    this.#file.append(Buffer.from(`${JSON.stringify(record)}\n`));
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }

  /** A line that can't be read is one that is missing. */
  #take(text: string): void {
    const record = line.safeParse(parse(text));
    if (!record.success || record.data.settings !== this.#settings) return;
    const { window, sums, numEmpty } = record.data;
    this.#windows.set(window, { sums, numEmpty });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
