import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { fitLine, startLiveLine } from '../../src/reporting/live-line.ts';

/** A terminal that keeps what is written, and loses patience with a line that is cleared without end. */
class Terminal extends Writable {
  readonly isTTY = true;
  columns: number;
  moves = 0;
  written: string[] = [];

  constructor(columns: number) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.written.push(stripVTControlCharacters(chunk.toString()));
    done();
  }

  cursorTo(): void {}
  clearLine(): void {}
  moveCursor(): void {
    if (++this.moves > 1000) throw new Error('cleared without end');
  }

  get widest(): number {
    return Math.max(...this.written.map((text) => [...text.trim()].length));
  }
}

test('a live line is drawn on a terminal of 0 columns, also when it has them only for a while', (t) => {
  for (const before of [0, 40]) {
    const terminal = new Terminal(before);
    const line = startLiveLine('x'.repeat(300), terminal as unknown as WriteStream, { isEnabled: true });
    t.teardown(() => line.stop());
    for (const columns of [0, 20, 0]) {
      terminal.columns = columns;
      terminal.written = [];
      line.text = 'y'.repeat(300);
      line.render();
      t.is(terminal.widest, columns || 80);
    }
    t.is(terminal.moves, 0, 'it never took more than one line');
  }
});

test('a live line is one line, as wide as the terminal at most', (t) => {
  t.is(fitLine('step 1', 80), 'step 1');
  t.is(fitLine('0123456789', 10), '0123456…');
  t.is(fitLine('一二三四五', 10), '一二三…', 'wide characters count twice');
  t.is(fitLine('a\nb\r\n  c', undefined), 'a b c');
  t.is(fitLine('abc', 1), '');
  t.is(fitLine('x'.repeat(100), 0).length, 78);
});
