/** What a rank says, in a file of the run folder. The first one says it to the terminal too. */

import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

type Write = typeof process.stderr.write;

export class RankLog {
  readonly #rank: number;
  #file: number | undefined;
  /** Said before there was a file. */
  #held = '';

  /** From here on what this process writes to stdout and stderr goes to the log. */
  constructor(rank: number) {
    this.#rank = rank;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream) as Write;
      stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
        this.#add(String(chunk));
        if (rank === 0) return write(chunk, ...rest);
        for (const done of rest as unknown[]) if (typeof done === 'function') done();
        return true;
      }) as Write;
    }
  }

  /** Writes from here on, and what was said before. */
  openIn(folder: string): void {
    this.#file = openSync(join(folder, `rank-${this.#rank}.log`), 'w');
    this.#add(this.#held);
  }

  /** A live line is no line of a log. */
  #add(text: string): void {
    const lines = stripVTControlCharacters(text);
    if (!lines.endsWith('\n') || lines.trim() === '') return;
    if (this.#file === undefined) this.#held += lines;
    else writeSync(this.#file, lines);
  }
}
