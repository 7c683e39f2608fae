/**
 * TensorBoard's event files. A file that a reader has open is never cut: whoever goes back to a checkpoint
 * writes a new one with what still holds, at the times at which it was first written, and TensorBoard reads
 * on there.
 */

import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { eventRecord, type LoggedEvent, type RecordPlace, recordPlaces } from '../../artifacts/event-file.ts';
import type { LogFormat, LoggedSample, MetricLog, MetricsLine } from './metric-log.ts';

export const tensorboard: LogFormat = {
  name: 'tensorboard',
  ending: '',
  open: (directory, wallTime) => new TensorBoardLog(directory, wallTime),
};

const PREFIX = 'events.out.tfevents.';
const SAMPLE_TAG = 'written';

class TensorBoardLog implements MetricLog {
  readonly #directory: string;
  readonly #wallTime: () => number;
  /** The file that is written on. */
  #file = '';

  constructor(directory: string, wallTime: () => number) {
    [this.#directory, this.#wallTime] = [directory, wallTime];
  }

  add(line: MetricsLine): void {
    appendFileSync(this.#file, eventRecord({ ...scalarsOf(line), wallTime: this.#wallTime() }));
  }

  addSample(sample: LoggedSample): void {
    appendFileSync(this.#file, eventRecord({ ...textOf(sample), wallTime: this.#wallTime() }));
  }

  reset(lines: readonly MetricsLine[], samples: readonly LoggedSample[]): void {
    mkdirSync(this.#directory, { recursive: true });
    const old = this.#files();
    const newest = old.at(-1);
    const known = newest === undefined ? [] : recordPlaces(readFileSync(join(this.#directory, newest)));
    const timeOf = timesIn(known, this.#wallTime);
    const events: Timeless[] = [{ kind: 'version' }, ...inOrder(lines, samples)];
    this.#file = join(this.#directory, this.#nextName(newest));
    const records = events.map((event) => eventRecord({ ...event, wallTime: timeOf(event) } as LoggedEvent));
    writeFileSync(`${this.#file}.partial`, Buffer.concat(records));
    renameSync(`${this.#file}.partial`, this.#file);
    for (const name of old) rmSync(join(this.#directory, name), { force: true });
  }

  /** Oldest first: their names begin with a time. */
  #files(): string[] {
    const names = readdirSync(this.#directory).filter((name) => name.startsWith(PREFIX));
    for (const partial of names.filter((name) => name.endsWith('.partial')))
      rmSync(join(this.#directory, partial), { force: true });
    return names.filter((name) => !name.endsWith('.partial')).sort();
  }

  /** A later time than that of the file before, even within a second. */
  #nextName(last: string | undefined): string {
    const before = last === undefined ? 0 : Number(last.slice(PREFIX.length).split('.')[0]);
    const seconds = Math.max(Math.floor(this.#wallTime()), before + 1);
    return `${PREFIX}${String(seconds).padStart(10, '0')}.calm`;
  }
}

/** An event before it has a time. */
type Timeless = LoggedEvent extends infer Event
  ? Event extends LoggedEvent
    ? Omit<Event, 'wallTime'>
    : never
  : never;

function scalarsOf({ step, ...values }: MetricsLine) {
  return { kind: 'scalars', step, values } as const;
}

function textOf({ step, prompt, text }: LoggedSample) {
  return { kind: 'text', step, tag: SAMPLE_TAG, text: asCode(`${prompt}${text}`) } as const;
}

/** TensorBoard shows texts as Markdown, and a sample is none: every line is indented. */
function asCode(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

/** A sample comes after the numbers of its step. */
function inOrder(lines: readonly MetricsLine[], samples: readonly LoggedSample[]): Timeless[] {
  const all = [...lines.map(scalarsOf), ...samples.map(textOf)];
  return all.sort((a, b) => a.step - b.step);
}

/** The times of records that were written before: the n-th of a step and kind is the n-th again. */
function timesIn(known: readonly RecordPlace[], now: () => number): (event: Timeless) => number {
  const times = new Map<string, number[]>();
  const keyOf = (event: Timeless | RecordPlace) => `${event.kind} ${'step' in event ? event.step : 0}`;
  for (const place of known) times.set(keyOf(place), [...(times.get(keyOf(place)) ?? []), place.wallTime]);
  return (event) => times.get(keyOf(event))?.shift() ?? now();
}
