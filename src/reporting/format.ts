/** Numbers, times and tables for people. */

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

const COUNT_UNITS = ['', 'k', 'M', 'G', 'T'];

/** 950, 12.3k, 4.56M, 1.5G: three significant digits; powers of ten from 1e15 on. */
export function formatCount(count: number): string {
  return signed(count, (size) => {
    let power = 0;
    while (power < COUNT_UNITS.length && Number((size / 1000 ** power).toPrecision(3)) >= 1000) power++;
    if (power === COUNT_UNITS.length) return size.toExponential(2);
    return `${power === 0 ? Math.round(size) : Number((size / 1000 ** power).toPrecision(3))}${COUNT_UNITS[power]}`;
  });
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

const SMALLEST_PLAIN = 1e-4;
const LARGEST_PLAIN = 1e6;

/**
 * Four significant digits: 0.3090, 6.321, 118.2. Integers as they are, powers of ten for very small ones, and
 * as counts from a million on.
 */
export function formatNumber(value: number): string {
  return signed(value, (size) => {
    if (size >= LARGEST_PLAIN) return formatCount(size);
    if (Number.isInteger(size)) return String(size);
    if (size < SMALLEST_PLAIN) return size.toExponential(2);
    return size >= 999.95 ? String(Math.round(size)) : size.toPrecision(4);
  });
}

/** A number that someone chose: 0.5, 0.3333. */
export function formatSetting(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** 99.95 %; rounded down, so that it never reads as a threshold that it misses. */
export function formatShare(share: number): string {
  return signed(share, (size) => `${(Math.floor(size * 10_000 + 1e-6) / 100).toFixed(2)} %`);
}
