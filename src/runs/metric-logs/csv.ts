/** metrics.csv: a row a step, a column a value; a value that a step does not have is an empty cell. */

import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { csvFormatRows } from 'd3-dsv';
import type { LogFormat, MetricLog, MetricsLine } from './metric-log.ts';

export const csv: LogFormat = { name: 'metrics.csv', ending: '.csv', open: (file) => new CsvLog(file) };

type Row = Map<string, string>;

class CsvLog implements MetricLog {
  readonly #file: string;
  readonly #columns = new Set(['step']);
  #rows: Row[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  add(line: MetricsLine): void {
    const numColumns = this.#columns.size;
    const isNewRow = this.#put(line);
    // A row that grows, or a column that was not there, is rare: then all is written anew.
    if (!isNewRow || this.#columns.size > numColumns) this.#write();
    else appendFileSync(this.#file, `${this.#format(this.#rows.slice(-1))}\n`);
  }

  /** Samples are no numbers. */
  addSample(): void {}

  reset(lines: readonly MetricsLine[]): void {
    this.#rows = [];
    for (const line of lines) this.#put(line);
    this.#write();
  }

  /** Held-out values come in a line of their own, after that of their step. @returns whether a row was added */
  #put(line: MetricsLine): boolean {
    const step = String(line.step);
    const last = this.#rows.at(-1);
    const isSame = last?.get('step') === step;
    const row: Row = isSame ? last : new Map();
    for (const [name, value] of Object.entries(line)) {
      this.#columns.add(name);
      row.set(name, Number.isFinite(value) ? String(value) : 'NaN');
    }
    if (!isSame) this.#rows.push(row);
    return !isSame;
  }

  #format(rows: readonly Row[]): string {
    return csvFormatRows(rows.map((row) => [...this.#columns].map((name) => row.get(name) ?? '')));
  }

  #write(): void {
    const text = [csvFormatRows([[...this.#columns]]), this.#format(this.#rows)].filter(Boolean).join('\n');
    writeFileSync(`${this.#file}.partial`, `${text}\n`);
    renameSync(`${this.#file}.partial`, this.#file);
  }
}
