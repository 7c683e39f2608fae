/** How wide things may be: never wider than the terminal that they are written to. */

import type { WriteStream } from 'node:tty';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Terminals of CI, docker and ssh may report 0 columns; such a one is taken for this wide. */
export const DEFAULT_COLUMNS = 80;

/**
 * The columns of what a stream is written to: endless where it is no terminal. OCLIF_COLUMNS says otherwise,
 * as it does for help.
 */
export function columnsOf(stream: Pick<WriteStream, 'isTTY' | 'columns'>): number {
  const asked = Number.parseInt(process.env.OCLIF_COLUMNS ?? '', 10);
  if (asked > 0) return asked;
  return stream.isTTY ? stream.columns || DEFAULT_COLUMNS : Number.POSITIVE_INFINITY;
}

/**
 * Breaks text between words; every line stands behind the prefix, which the first one alone shows. A word that
 * is wider than the line, such as a path, stays whole, so that it can be copied.
 */
export function wrap(prefix: string, text: string, columns: number): string {
  const indent = stringWidth(prefix);
  const lines = breakLines(text, columns - indent);
  return lines.map((line, i) => `${i === 0 ? prefix : ' '.repeat(indent)}${line}`.trimEnd()).join('\n');
}

/** Likewise for a command, which can be pasted as it stands. */
export function wrapCommand(prefix: string, command: string, columns: number): string {
  return wrap(prefix, command, columns - 2).replaceAll('\n', ' \\\n');
}

/** The lines of a text, each as wide as is asked for at most. @param hard whether long words are cut too */
export function breakLines(text: string, width: number, hard = false): string[] {
  const isEndless = !Number.isFinite(width);
  return (isEndless ? text : wrapAnsi(text, Math.max(1, width), { hard })).split('\n');
}
