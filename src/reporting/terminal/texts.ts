/** Texts that a model wrote, at the end of a run: the first few, each as far as a few lines go. */

import cliTruncate from 'cli-truncate';
import { breakLines, wrap } from './width.ts';

const MOST_TEXTS = 3;
const MOST_LINES = 4;
/** A line of a book; wider ones are hard to read. */
const READABLE = 100;

/** @param settings with which the texts were written; those that are empty are not told */
export function textLines(
  title: string,
  settings: readonly (readonly [name: string, value: unknown])[],
  texts: readonly { readonly text: string }[],
  columns: number,
): string {
  const told = settings.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name} ${JSON.stringify(value)}`],
  );
  const more = texts.length - MOST_TEXTS;
  return [
    wrap('', [title, ...(told.length ? [`(${told.join(', ')})`] : [])].join(' '), columns),
    ...texts.slice(0, MOST_TEXTS).map(({ text }, i) => numbered(i + 1, text, columns)),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

function numbered(number: number, text: string, columns: number): string {
  const prefix = `  ${number} `;
  const width = Math.min(columns, READABLE) - prefix.length;
  const lines = breakLines(oneLine(text), width, true);
  const kept = lines.slice(0, MOST_LINES);
  if (lines.length > MOST_LINES)
    kept[MOST_LINES - 1] = cliTruncate(lines.slice(MOST_LINES - 1).join(' '), width);
  return kept.map((line, i) => `${i === 0 ? prefix : ' '.repeat(prefix.length)}${line}`).join('\n');
}

/** Models of bytes may write anything: no control character reaches the terminal. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '\uFFFD')
    .trim();
}
