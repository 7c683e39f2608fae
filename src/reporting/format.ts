/** Numbers, times and tables for people. */

import stringWidth from 'string-width';

/** What is no finite number as it is, and a sign before what is said of the rest. */
function signed(value: number, format: (size: number) => string): string {
  if (!Number.isFinite(value)) return String(value);
  return value < 0 ? `-${format(-value)}` : format(Math.abs(value));
}

/** 4.2 s, 3:05, 1:02:03. */
export function formatSeconds(seconds: number): string {
  return signed(seconds, (size) => {
    const tenths = Math.round(10 * size) / 10;
    if (tenths < 60) return `${tenths.toFixed(1)} s`;
    const whole = Math.round(size);
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const pad = (value: number) => String(value).padStart(2, '0');
    return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
  });
}

/** now, 5 min ago, 3 h ago, 12 d ago. @param ms since then */
export function formatAge(ms: number): string {
  const minutes = ms / 60_000;
  if (!(minutes >= 1)) return 'now';
  if (minutes < 60) return `${Math.floor(minutes)} min ago`;
  const hours = minutes / 60;
  return hours < 48 ? `${Math.floor(hours)} h ago` : `${Math.floor(hours / 24)} d ago`;
}

/** 950, 12.3k, 4.5M, 6700.0M; powers of ten from 1e12 on. */
export function formatCount(count: number): string {
  return signed(count, (size) => inThousands(Math.round(size), ['', 'k', 'M']));
}

/** 950 B, 12.3 kB, 4.5 MB, 6.7 GB. */
export function formatBytes(bytes: number): string {
  return signed(bytes, (size) => inThousands(Math.round(size), [' B', ' kB', ' MB', ' GB', ' TB', ' PB']));
}

/** One decimal and a unit; the next unit where the decimal would round up to a thousand. */
function inThousands(size: number, units: readonly string[]): string {
  let power = 0;
  while (power < units.length - 1 && Number((size / 1000 ** power).toFixed(power && 1)) >= 1000) power++;
  const scaled = size / 1000 ** power;
  if (scaled >= 1e6) return `${size.toExponential(1)}${units[0]}`;
  return `${power === 0 ? scaled : scaled.toFixed(1)}${units[power]}`;
}

/** Below it, five decimals have fewer than two digits that say something. */
const LEAST_DECIMAL = 1e-4;
const LARGEST_PLAIN = 1e6;

/**
 * Five significant digits, five decimals for values below one, powers of ten for very small ones; integers as
 * they are.
 */
export function formatNumber(value: number): string {
  return signed(value, (size) => {
    if (size >= LARGEST_PLAIN) return formatCount(size);
    if (Number.isInteger(size)) return String(size);
    if (size < LEAST_DECIMAL) return size.toExponential(2);
    return size < 1 ? size.toFixed(5) : size.toPrecision(5);
  });
}

/** Columns padded to their widest cell as a terminal shows it, a rule under the head. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[column] ?? '')), stringWidth(title)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => `${cell}${' '.repeat(widths[column] - stringWidth(cell))}`)
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
