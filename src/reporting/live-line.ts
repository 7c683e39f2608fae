/** The one live line at the bottom of a terminal (ora), never wider than the terminal. */

import type { WriteStream } from 'node:tty';
import cliTruncate from 'cli-truncate';
import ora, { type Options, type Ora } from 'ora';

/** Terminals of CI, docker and ssh may report 0 columns; such a one is taken for this wide. */
const DEFAULT_COLUMNS = 80;
/** The moving sign and the space after it. */
const SIGN_COLUMNS = 2;

/**
 * Starts a live line; setting its `text` changes it. Every frame is cut to the width that the terminal has by
 * then.
 */
export function startLiveLine(
  text: string,
  stream: WriteStream = process.stderr,
  options: Pick<Options, 'isSilent' | 'isEnabled'> = {},
): Ora {
  reportColumns(stream);
  const line = ora({ text, stream, discardStdin: false, ...options });
  let shown = text;
  Object.defineProperty(line, 'text', {
    get: () => fitLine(shown, stream.columns),
    set: (next: string) => {
      shown = next;
    },
  });
  return line.start();
}

/** One line that fits beside the moving sign. */
export function fitLine(text: string, columns: number | undefined): string {
  const width = (columns || DEFAULT_COLUMNS) - SIGN_COLUMNS;
  return width < 1 ? '' : cliTruncate(text.replaceAll(/\s*[\r\n]+\s*/g, ' '), width);
}

/** Ora divides by the number of columns, and other libraries wrap by it. Node sets it anew when the terminal is resized. */
export function reportColumns(stream: WriteStream): void {
  let { columns } = stream;
  Object.defineProperty(stream, 'columns', {
    configurable: true,
    enumerable: true,
    get: () => columns || DEFAULT_COLUMNS,
    set: (next: number) => {
      columns = next;
    },
  });
}
