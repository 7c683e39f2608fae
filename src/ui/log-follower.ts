/** metrics.jsonl and events.jsonl of a run's stages, read as they grow. */

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, SAMPLE_EVENT } from '../runs/index.ts';
import type { LoggedLines, MetricsLine } from './facts.ts';

/** Lines of what was logged before, at most; of more every second, fourth … is told. */
const MOST_LINES = 2000;

/** Bytes that are read at once. */
const PIECE = 2 ** 20;

/** What has come since the last look, for every stage. */
export class LogFollower {
  readonly #logs = new Map<
    string,
    { readonly metrics: LineReader; readonly events: LineReader; count: number }
  >();

  /** @returns one entry for each stage that has something new, or begins anew */
  look({ stages, folder }: Run): LoggedLines[] {
    return stages.flatMap(({ id, manifest, directory }): LoggedLines[] => {
      const place = existsSync(join(folder.work(id), 'work.json')) ? folder.work(id) : directory;
      if (!manifest && !existsSync(place)) return [];
      const known = this.#logs.get(id) ?? { metrics: new LineReader(), events: new LineReader(), count: 0 };
      this.#logs.set(id, known);
      const metrics = known.metrics.read(join(place, 'metrics.jsonl'));
      const events = known.events.read(join(place, 'events.jsonl'));
      if (metrics.isNew) known.count = 0;
      if (!metrics.isNew && metrics.lines.length === 0 && events.lines.length === 0) return [];
      const lines = thinned(metrics.lines.flatMap(numbersOf));
      const from = known.count;
      known.count += lines.length;
      return [{ stage: id, from, lines, texts: events.lines.flatMap(textOf) }];
    });
  }
}

/** Every second line, fourth … and always the last. */
function thinned(lines: readonly MetricsLine[]): MetricsLine[] {
  const every = Math.ceil(lines.length / MOST_LINES);
  return lines.filter((_, i) => i % every === 0 || i === lines.length - 1);
}

function numbersOf(line: unknown): MetricsLine[] {
  const record = isRecord(line) ? line : {};
  const numbers = Object.entries(record).filter(([, value]) => typeof value === 'number');
  return numbers.length ? [Object.fromEntries(numbers) as MetricsLine] : [];
}

function textOf(line: unknown): LoggedLines['texts'][number][] {
  if (!isRecord(line) || line.event !== SAMPLE_EVENT) return [];
  const { step, prompt, text } = line;
  return typeof step === 'number' && typeof text === 'string'
    ? [{ step, text, prompt: typeof prompt === 'string' ? prompt : '' }]
    : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whole lines of a file that grows; from its beginning where it is another one, or was cut. */
class LineReader {
  #file = '';
  #inode = 0;
  #place = 0;

  read(file: string): { lines: unknown[]; isNew: boolean } {
    if (!existsSync(file)) return { lines: [], isNew: false };
    const handle = openSync(file, 'r');
    try {
      const { size, ino } = fstatSync(handle);
      const isNew = size < this.#place || (this.#file !== file && this.#inode !== ino) || this.#file === '';
      if (isNew) this.#place = 0;
      [this.#file, this.#inode] = [file, ino];
      return { lines: this.#linesTo(handle, size), isNew };
    } finally {
      closeSync(handle);
    }
  }

  #linesTo(handle: number, size: number): unknown[] {
    let text = Buffer.alloc(0);
    for (let at = this.#place; at < size; ) {
      const piece = Buffer.alloc(Math.min(PIECE, size - at));
      const length = readSync(handle, piece, 0, piece.length, at);
      if (length === 0) break;
      text = Buffer.concat([text, piece.subarray(0, length)]);
      at += length;
    }
    const end = text.lastIndexOf('\n') + 1;
    this.#place += end;
    return text.subarray(0, end).toString('utf8').split('\n').flatMap(parsed);
  }
}

/** A line that is none of ours is passed over: the page shows what can be shown. */
function parsed(line: string): unknown[] {
  try {
    return line ? [JSON.parse(line)] : [];
  } catch {
    return [];
  }
}
